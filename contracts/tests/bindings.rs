//! What Rust computes is what the deployed contracts compute: digests, block commitments, keys, constructors' arguments.

use alloy::primitives::{Address, B256, Bytes, U256, b256};
use alloy::sol_types::{SolCall, SolError};
use proofyard_contracts::address::create_address;
use proofyard_contracts::bindings::IProverEscrow::{self, Quote, Receipt};
use proofyard_contracts::bindings::IProvingSidecar::{self, Header};
use proofyard_contracts::bindings::{
    IDevToken, IERC20, IProvingStrategy, IRewardPool, ISequencerSet, IVersionRegistry, block_commitment, creation,
    possession_message, quote_digest, receipt_digest, vrf_message,
};
use proofyard_contracts::bls::SecretKey;
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::TxKind;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext};

const CHAIN_ID: u64 = 31_337;
const OWNER: Address = Address::repeat_byte(0x11);
const LONGEST: u64 = 1_000;

/// A chain whose block number does what it is told.
struct Chain {
    database: CacheDB<EmptyDB>,
    block: u64,
}

impl Chain {
    fn new() -> Self {
        let mut database = CacheDB::new(EmptyDB::new());
        database.insert_account_info(OWNER, AccountInfo::from_balance(U256::MAX >> 1));
        Self { database, block: 100 }
    }

    /// The address of the contract that comes after `further` others.
    fn upcoming(&mut self, further: u64) -> Address {
        let nonce = self.database.load_account(OWNER).unwrap().info.nonce;
        create_address(OWNER.into(), nonce + further).into()
    }

    fn create(&mut self, data: Bytes) -> Address {
        let expected = self.upcoming(0);
        match self.transact(OWNER, TxKind::Create, data) {
            ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => {
                assert_eq!(address, expected);
                address
            }
            other => panic!("not created: {other:?}"),
        }
    }

    fn call<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Result<C::Return, Bytes> {
        match self.transact(from, TxKind::Call(to), call.abi_encode().into()) {
            ExecutionResult::Success { output, .. } => Ok(C::abi_decode_returns(output.data()).unwrap()),
            ExecutionResult::Revert { output, .. } => Err(output),
            other => panic!("{other:?}"),
        }
    }

    fn transact(&mut self, from: Address, kind: TxKind, data: Bytes) -> ExecutionResult {
        let nonce = self.database.load_account(from).unwrap().info.nonce;
        let mut context = Context::mainnet().with_db(&mut self.database).modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = CHAIN_ID;
        });
        context.block.number = U256::from(self.block);
        let transaction = TxEnv::builder()
            .caller(from)
            .kind(kind)
            .data(data)
            .nonce(nonce)
            .gas_limit(1 << 24)
            .gas_price(0)
            .chain_id(Some(CHAIN_ID))
            .build()
            .unwrap();
        context.build_mainnet().transact_commit(transaction).unwrap()
    }
}

/// All contracts, as a deployment makes them.
struct Deployed {
    chain: Chain,
    registry: Address,
    escrow: Address,
    sequencers: Address,
    token: Address,
    sidecar: Address,
    pool: Address,
}

fn deploy() -> Deployed {
    let mut chain = Chain::new();
    let registry = chain.create(creation::version_registry(OWNER, LONGEST));
    let escrow = chain.create(creation::prover_escrow(registry, LONGEST + 1));
    let sequencers = chain.create(creation::sequencer_set(50));
    let token = chain.create(creation::dev_token("Development", "DEV"));
    let upcoming = chain.upcoming(1);
    let pool = chain.create(creation::reward_pool(token, U256::from(10), U256::from(3), upcoming));
    let sidecar = chain.create(creation::proving_sidecar(&creation::SidecarArguments {
        versions: registry,
        sequencers,
        pool,
        escrow,
        genesis_root: U256::from(7),
        genesis_data_hash: U256::from(8),
        genesis_randomness: B256::repeat_byte(9),
    }));
    Deployed { chain, registry, escrow, sequencers, token, sidecar, pool }
}

fn quote(token: Address) -> Quote {
    Quote {
        prover: Address::repeat_byte(0x22),
        sequencer: Address::repeat_byte(0x33),
        height: U256::from(7),
        blockCommitment: B256::repeat_byte(0x44),
        group: 3,
        tipToken: Address::ZERO,
        price: U256::from(1_000_000_000_000_000_000u64),
        depositToken: token,
        deposit: U256::MAX,
        nonce: U256::from(5),
        expiry: u64::MAX,
    }
}

fn header() -> Header {
    Header {
        start: [7u64, 8, 0].map(U256::from),
        ends: vec![[1u64, 2, 3].map(U256::from), [4u64, 5, 6].map(U256::from)],
        rowsLog2: 17,
        subtrees: 8,
        dataVersion: 0,
        dataCommitment: b256!("0x00000000000000000000000000000000000000000000000000000000000000ff"),
        dataUri: "https://example.org/blocks/1 and some more, so that it takes two words".to_owned(),
    }
}

#[test]
fn digests_are_those_of_the_escrow() {
    let Deployed { mut chain, escrow, token, .. } = deploy();
    let quote = quote(token);
    let asked = IProverEscrow::quoteDigestCall { quote: quote.clone() };
    assert_eq!(chain.call(OWNER, escrow, &asked).unwrap(), quote_digest(CHAIN_ID, escrow, &quote));
    assert_ne!(quote_digest(CHAIN_ID + 1, escrow, &quote), quote_digest(CHAIN_ID, escrow, &quote));
    assert_ne!(quote_digest(CHAIN_ID, token, &quote), quote_digest(CHAIN_ID, escrow, &quote));

    let receipt = Receipt {
        blockCommitment: B256::repeat_byte(1),
        blockId: B256::repeat_byte(2),
        nonce: U256::from(3),
        acceptedAt: 4,
    };
    let asked = IProverEscrow::receiptDigestCall { receipt: receipt.clone() };
    assert_eq!(chain.call(OWNER, escrow, &asked).unwrap(), receipt_digest(CHAIN_ID, escrow, &receipt));
}

#[test]
fn block_commitments_are_those_of_the_sidecar() {
    let Deployed { mut chain, sidecar, .. } = deploy();
    let (sequencer, salt) = (Address::repeat_byte(0x33), B256::repeat_byte(0x55));
    let many = Header { ends: vec![[1u64, 2, 3].map(U256::from); 16], dataUri: String::new(), ..header() };
    for header in [header(), many] {
        let asked = IProvingSidecar::blockCommitmentOfCall { height: 9, sequencer, header: header.clone(), salt };
        let expected = chain.call(OWNER, sidecar, &asked).unwrap();
        assert_eq!(block_commitment(CHAIN_ID, sidecar, 9, sequencer, &header, salt), expected);
        assert_ne!(block_commitment(CHAIN_ID, sidecar, 10, sequencer, &header, salt), expected);
    }
}

#[test]
fn keys_register_and_their_outputs_verify() {
    let Deployed { mut chain, sequencers, sidecar, .. } = deploy();
    let (key, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
    let sequencer = Address::repeat_byte(0x33);
    let message = possession_message(CHAIN_ID, sequencers, sequencer, &key.public_key());
    let asked = ISequencerSet::possessionMessageCall { sequencer, publicKey: key.public_key() };
    assert_eq!(chain.call(OWNER, sequencers, &asked).unwrap(), Bytes::from(message));

    let possession = |key: &SecretKey| key.possession(CHAIN_ID, sequencers, sequencer);
    let rogue = ISequencerSet::registerCall { publicKey: key.public_key(), possession: possession(&other) };
    let refused = chain.call(sequencer, sequencers, &rogue).err().unwrap();
    assert!(ISequencerSet::InvalidPossession::abi_decode(&refused).is_ok());
    let honest = ISequencerSet::registerCall { publicKey: key.public_key(), possession: possession(&key) };
    chain.call(sequencer, sequencers, &honest).unwrap();

    let message = vrf_message(CHAIN_ID, sidecar, 1, B256::repeat_byte(9));
    for (signer, at, good) in [(&key, 150, true), (&key, 149, false), (&other, 150, false)] {
        let asked = ISequencerSet::verifyCall {
            sequencer,
            atBlock: at,
            message: message.clone().into(),
            vrfOutput: signer.vrf(&message),
        };
        assert_eq!(chain.call(OWNER, sequencers, &asked).unwrap(), good);
    }
}

#[test]
fn the_sidecar_takes_an_output_over_the_message_that_rust_builds() {
    let Deployed { mut chain, registry, escrow, sequencers, token, sidecar, .. } = deploy();
    let phase = chain.create(creation::prover_commitment(sidecar, registry, escrow));
    let strategy = chain.create(creation::bonded_strategy());
    chain.call(OWNER, registry, &IVersionRegistry::allowTokenCall { token }).unwrap();
    let version = IVersionRegistry::Version {
        commitmentPhase: phase,
        strategy,
        proposalBlocks: 4,
        revealBlocks: 2,
        commitmentBlocks: 4,
        provingBlocks: 40,
        submissionBlocks: 4,
        maxInFlight: 1,
        maxProposals: 4,
        depositToken: token,
        minDeposit: U256::from(100),
        slashRecipient: OWNER,
        ..Default::default()
    };
    chain.call(OWNER, registry, &IVersionRegistry::addVersionCall { version, classes: vec![] }).unwrap();

    let key = SecretKey::from_seed(&[1; 32]);
    let sequencer = Address::repeat_byte(0x33);
    let register = ISequencerSet::registerCall {
        publicKey: key.public_key(),
        possession: key.possession(CHAIN_ID, sequencers, sequencer),
    };
    chain.call(sequencer, sequencers, &register).unwrap();
    chain.block += 50;
    let next = chain.call(OWNER, sidecar, &IProvingSidecar::nextCall {}).unwrap();
    assert!(next.open && next.height == 1);
    let mut propose = IProvingSidecar::proposeCall {
        height: 1,
        blockCommitment: block_commitment(CHAIN_ID, sidecar, 1, sequencer, &header(), B256::ZERO),
        tipToken: Address::ZERO,
        tip: U256::ZERO,
        rewardShareBps: 5_000,
        vrfOutput: key.vrf(&vrf_message(CHAIN_ID, sidecar, 2, next.randomness)),
    };
    let refused = chain.call(sequencer, sidecar, &propose).err().unwrap();
    assert!(IProvingSidecar::InvalidVrf::abi_decode(&refused).is_ok());
    propose.vrfOutput = key.vrf(&vrf_message(CHAIN_ID, sidecar, 1, next.randomness));
    assert_eq!(chain.call(sequencer, sidecar, &propose).unwrap(), 0);
}

#[test]
fn constructors_get_their_arguments_in_the_right_order() {
    let Deployed { mut chain, registry, escrow, token, sidecar, pool, .. } = deploy();
    assert_eq!(chain.call(OWNER, registry, &IVersionRegistry::maxHeightBlocksCall {}).unwrap(), LONGEST);
    assert_eq!(chain.call(OWNER, pool, &IRewardPool::tokenCall {}).unwrap(), token);
    assert_eq!(chain.call(OWNER, pool, &IRewardPool::blockRewardCall {}).unwrap(), U256::from(10));
    assert_eq!(chain.call(OWNER, pool, &IRewardPool::submissionRewardCall {}).unwrap(), U256::from(3));
    let next = chain.call(OWNER, sidecar, &IProvingSidecar::nextCall {}).unwrap();
    assert_eq!(next.start, [U256::from(7), U256::from(8), U256::ZERO]);
    assert_eq!(next.randomness, B256::repeat_byte(9));

    let strategy = chain.create(creation::multiproof_strategy(6, 4));
    assert_eq!(chain.call(OWNER, strategy, &IProvingStrategy::shareBlocksCall {}).unwrap(), 6);
    assert_eq!(chain.call(OWNER, strategy, &IProvingStrategy::maxProversCall {}).unwrap(), 4);

    let mint = IDevToken::mintCall { to: escrow, amount: U256::from(5) };
    chain.call(OWNER, token, &mint).unwrap();
    assert!(chain.call(Address::repeat_byte(0x22), token, &mint).is_err(), "only the deployer mints");
    let balance = IERC20::balanceOfCall { account: escrow };
    assert_eq!(chain.call(OWNER, token, &balance).unwrap(), U256::from(5));

    let short = chain.transact(OWNER, TxKind::Create, creation::prover_escrow(registry, LONGEST));
    let expected = IProverEscrow::DelayTooShort { longestHeight: LONGEST }.abi_encode();
    assert_eq!(short.output().map(|output| output.to_vec()), Some(expected));
}
