// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ICommitmentPhase} from "../../src/sidecar/ICommitmentPhase.sol";
import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IRewardPool} from "../../src/sidecar/IRewardPool.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {R} from "../Fixture.sol";
import {vm} from "../Vm.sol";
import {OpenSequencers} from "./mocks/OpenSequencers.sol";
import {StatementVerifier} from "./mocks/StatementVerifier.sol";
import {PlainToken} from "./tokens/PlainToken.sol";

address constant ALICE = address(0xa11ce);
address constant BOB = address(0xb0b);
address constant CAROL = address(0xca401);
address constant DAVE = address(0xda4e);
address constant PROVER = address(0x9407e4);
address constant OTHER = address(0x07e4);
address constant ANYONE = address(0xa2107e);
address constant SINK = address(0x51c);

uint32 constant ROWS_LOG2 = 10;
uint256 constant BLOCK_REWARD = 1000;
uint256 constant SUBMISSION_REWARD = 64;
uint256 constant MIN_DEPOSIT = 1_000_000;
uint256 constant TIP = 8000;
uint256 constant MINTED = 1e30;

/// What the tests of the sidecar share: deployment, actors, and one call for each step of a height. `next` sequencers build their
/// blocks from the sidecar's own baton, with ends that depend on sequencer, height and group.
abstract contract SidecarTest {
    IVersionRegistry versions;
    IProverEscrow escrow;
    IRewardPool pool;
    IProvingSidecar sidecar;
    ICommitmentPhase commitment;
    PlainToken bond;
    PlainToken coin;
    PlainToken prize;
    address verifier;
    address bonded;
    address multiproof;
    address set;

    mapping(uint64 height => mapping(address sequencer => bytes)) private encodedHeaders;

    /// Deploys everything under version 1, the bonded default.
    function deploySidecar() internal {
        deploySidecar(address(new OpenSequencers()));
    }

    function deploySidecar(address sequencers) internal {
        set = sequencers;
        (bond, coin, prize) = (new PlainToken(), new PlainToken(), new PlainToken());
        versions = IVersionRegistry(make("VersionRegistry.sol:VersionRegistry", abi.encode(address(this), 100_000)));
        escrow = IProverEscrow(make("ProverEscrow.sol:ProverEscrow", abi.encode(versions, 100_001)));
        bonded = make("BondedStrategy.sol:BondedStrategy", "");
        multiproof = make("MultiproofStrategy.sol:MultiproofStrategy", abi.encode(5, 3));
        // 2^ROWS_LOG2.
        // forge-lint: disable-next-line(incorrect-shift)
        verifier = address(new StatementVerifier(1 << ROWS_LOG2));
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        pool = IRewardPool(
            make("RewardPool.sol:RewardPool", abi.encode(prize, BLOCK_REWARD, SUBMISSION_REWARD, expected))
        );
        bytes32 randomness = keccak256("genesis");
        sidecar = IProvingSidecar(
            make("ProvingSidecar.sol:ProvingSidecar", abi.encode(versions, set, pool, escrow, 7, 11, randomness))
        );
        require(address(sidecar) == expected, "address");
        commitment =
            ICommitmentPhase(make("ProverCommitment.sol:ProverCommitment", abi.encode(sidecar, versions, escrow)));
        versions.allowToken(address(bond));
        versions.allowToken(address(coin));
        versions.addVersion(rules(), classes());
        prize.mint(address(pool), 1_000_000 * BLOCK_REWARD);
        address[8] memory actors = [ALICE, BOB, CAROL, DAVE, PROVER, OTHER, ANYONE, address(this)];
        for (uint256 i = 0; i < actors.length; ++i) {
            fund(actors[i]);
        }
        vm.roll(1000);
    }

    function make(string memory artifact, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(artifact), arguments);
        assembly {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function fund(address actor) internal {
        vm.deal(actor, MINTED);
        bond.mint(actor, MINTED);
        coin.mint(actor, MINTED);
        approve(bond, actor);
        approve(coin, actor);
    }

    function approve(IERC20 token, address actor) internal {
        vm.prank(actor);
        token.approve(address(commitment), type(uint256).max);
        vm.prank(actor);
        token.approve(address(sidecar), type(uint256).max);
        vm.prank(actor);
        token.approve(address(escrow), type(uint256).max);
    }

    // ------------------------------------------------------------------------------------------------------------- rules

    /// The bonded default: P 4, R 2, C 4, W 40, S 4.
    function rules() internal view returns (IVersionRegistry.Version memory) {
        return IVersionRegistry.Version({
            commitmentPhase: address(commitment),
            strategy: bonded,
            proposalBlocks: 4,
            revealBlocks: 2,
            commitmentBlocks: 4,
            provingBlocks: 40,
            submissionBlocks: 4,
            fixedWindow: false,
            pipelined: false,
            maxInFlight: 1,
            rescueBlocks: 8,
            rescuePenaltyBps: 2500,
            depositWeightBps: 0,
            maxProposals: 4,
            depositToken: address(bond),
            minDeposit: MIN_DEPOSIT,
            slashRecipient: SINK
        });
    }

    function pipelined() internal view returns (IVersionRegistry.Version memory v) {
        v = rules();
        (v.pipelined, v.maxInFlight) = (true, 4);
    }

    function racing() internal view returns (IVersionRegistry.Version memory v) {
        v = rules();
        (v.strategy, v.commitmentPhase, v.commitmentBlocks) = (multiproof, address(0), 0);
    }

    function classes() internal view returns (IVersionRegistry.Class[] memory list) {
        list = new IVersionRegistry.Class[](3);
        for (uint32 i = 0; i < 3; ++i) {
            list[i] = IVersionRegistry.Class(ROWS_LOG2, uint32(1) << i, verifier);
        }
    }

    function use(IVersionRegistry.Version memory v) internal {
        versions.addVersion(v, classes());
    }

    // ------------------------------------------------------------------------------------------------------------- steps

    /// A block of so many groups of `each` subtrees on top of the height's parent.
    function blockOf(uint64 height, address sequencer, uint256 groups, uint32 each)
        internal
        returns (IProvingSidecar.Header memory header)
    {
        uint256[3] memory start;
        if (height > sidecar.lastHeight()) {
            (,,, start,) = sidecar.next();
        } else {
            uint64 parent = sidecar.heightOf(height).parent;
            if (parent == 0) start = [uint256(7), 11, 0];
            else start = endOf(parent);
        }
        header.start = start;
        header.ends = new uint256[3][](groups);
        for (uint256 g = 0; g < groups; ++g) {
            for (uint256 k = 0; k < 3; ++k) {
                header.ends[g][k] = uint256(keccak256(abi.encode(height, sequencer, g, k))) % R;
            }
        }
        // A test has few groups.
        // forge-lint: disable-next-line(unsafe-typecast)
        (header.rowsLog2, header.subtrees) = (ROWS_LOG2, each * uint32(groups));
        header.dataCommitment = keccak256("data");
        header.dataUri = "https://blocks.example/1";
        encodedHeaders[height][sequencer] = abi.encode(header);
    }

    function endOf(uint64 height) internal view returns (uint256[3] memory start) {
        IProvingSidecar.Header memory h = headerOf(height, winnerOf(height));
        start = h.ends[h.ends.length - 1];
        start[2] = 0;
    }

    function headerOf(uint64 height, address sequencer) internal view returns (IProvingSidecar.Header memory) {
        return abi.decode(encodedHeaders[height][sequencer], (IProvingSidecar.Header));
    }

    function winnerOf(uint64 height) internal view returns (address) {
        return sidecar.proposalOf(height, sidecar.heightOf(height).winner).sequencer;
    }

    function salt(address sequencer) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", sequencer));
    }

    /// A VRF output whose score is in the given tenth, 0 the lowest.
    function ranked(uint256 tenth) internal pure returns (uint256[2] memory output) {
        for (output[0] = 1;; ++output[0]) {
            if (uint256(keccak256(abi.encode(output))) / (type(uint256).max / 10) == tenth) return output;
        }
    }

    function propose(uint64 height, address sequencer, uint256 tenth) internal returns (uint32) {
        return propose(height, sequencer, tenth, 1, address(0), TIP);
    }

    function propose(uint64 height, address sequencer, uint256 tenth, uint256 groups, address token, uint256 tip)
        internal
        returns (uint32)
    {
        IProvingSidecar.Header memory header = blockOf(height, sequencer, groups, 1);
        return proposeBlock(height, sequencer, tenth, header, token, tip);
    }

    function proposeBlock(
        uint64 height,
        address sequencer,
        uint256 tenth,
        IProvingSidecar.Header memory header,
        address token,
        uint256 tip
    ) internal returns (uint32) {
        encodedHeaders[height][sequencer] = abi.encode(header);
        bytes32 bound = sidecar.blockCommitmentOf(height, sequencer, header, salt(sequencer));
        uint256[2] memory output = ranked(tenth);
        vm.prank(sequencer);
        return sidecar.propose{value: token == address(0) ? tip : 0}(height, bound, token, tip, 4000, output);
    }

    function reveal(uint64 height, address sequencer) internal {
        IProvingSidecar.Header memory header = headerOf(height, sequencer);
        vm.prank(sequencer);
        sidecar.reveal(height, header, salt(sequencer));
    }

    function commitOwn(uint64 height, uint32 proposal, uint32 group, uint256 deposit) internal {
        address sequencer = sidecar.proposalOf(height, proposal).sequencer;
        vm.prank(sequencer);
        commitment.commitOwn(height, proposal, group, PROVER, deposit);
    }

    function toPhase(uint64 height, uint256 index) internal {
        vm.roll(sidecar.schedule(height)[index]);
    }

    function toReveal(uint64 height) internal {
        toPhase(height, 1);
    }

    function toCommitment(uint64 height) internal {
        toPhase(height, 2);
    }

    function toProving(uint64 height) internal {
        toPhase(height, 3);
    }

    function toSubmission(uint64 height) internal {
        toPhase(height, 4);
    }

    function toClosed(uint64 height) internal {
        toPhase(height, 5);
    }

    /// A height with one sequencer whose groups are all committed with its own deposits, in its proving phase.
    function committed(uint64 height, address sequencer, uint256 groups) internal {
        committed(height, sequencer, groups, 1);
    }

    function committed(uint64 height, address sequencer, uint256 groups, uint32 each) internal {
        proposeBlock(height, sequencer, 5, blockOf(height, sequencer, groups, each), address(0), TIP);
        toReveal(height);
        reveal(height, sequencer);
        toCommitment(height);
        for (uint32 g = 0; g < groups; ++g) {
            commitOwn(height, 0, g, (MIN_DEPOSIT + groups - 1) / groups);
        }
        toProving(height);
    }

    function proofFor(uint64 height, uint32 group, address beneficiary) internal view returns (bytes memory proof) {
        IProvingSidecar.Header memory header = headerOf(height, winnerOf(height));
        uint256[3] memory start = group == 0 ? header.start : header.ends[group - 1];
        proof = new bytes(1728);
        bytes32 digest = StatementVerifier(verifier).digest(start, header.ends[group], beneficiary);
        uint256 subtrees = header.subtrees / header.ends.length;
        assembly {
            mstore(add(proof, 32), subtrees)
            mstore(add(proof, 64), digest)
        }
    }

    function prove(uint64 height, uint32 group, address beneficiary) internal {
        prove(height, group, beneficiary, ANYONE);
    }

    function prove(uint64 height, uint32 group, address beneficiary, address sender) internal {
        bytes memory proof = proofFor(height, group, beneficiary);
        IProvingSidecar.Header memory header = headerOf(height, winnerOf(height));
        vm.prank(sender);
        sidecar.submitProof(height, header, group, beneficiary, proof);
    }

    // ------------------------------------------------------------------------------------------------------ expectations

    function phase(uint64 height) internal view returns (IProvingSidecar.Phase) {
        return sidecar.heightOf(height).phase;
    }

    function isPhase(uint64 height, IProvingSidecar.Phase expected) internal view {
        require(phase(height) == expected, "phase");
    }

    function owed(IERC20 token, address account, uint256 expected) internal view {
        require(sidecar.withdrawable(address(token), account) == expected, "credit");
    }

    function owedEth(address account, uint256 expected) internal view {
        require(sidecar.withdrawable(address(0), account) == expected, "credit in ETH");
    }

    /// What is held is there, to the unit.
    function isBacked() internal view {
        require(sidecar.held(address(0)) == address(sidecar).balance, "ETH");
        require(sidecar.held(address(bond)) == bond.balanceOf(address(sidecar)), "bond");
        require(sidecar.held(address(coin)) == coin.balanceOf(address(sidecar)), "coin");
        require(sidecar.held(address(prize)) == prize.balanceOf(address(sidecar)), "prize");
    }

    function refuses(bytes4 selector) internal {
        vm.expectRevert(abi.encodePacked(selector));
    }

    function wrongPhase(uint64 height, IProvingSidecar.Phase now_) internal {
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.WrongPhase.selector, height, now_));
    }
}
