// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {vm} from "../Vm.sol";
import {FeeToken} from "./tokens/FeeToken.sol";
import {PlainToken} from "./tokens/PlainToken.sol";
import {ReentrantToken} from "./tokens/ReentrantToken.sol";

/// What an escrow asks its registry.
contract EscrowRegistry {
    uint64 public constant maxHeightBlocks = 199;
    mapping(address account => bool) public isCommitmentPhase;
    mapping(address token => bool) public isAllowedToken;

    function addCommitmentPhase(address account) external {
        isCommitmentPhase[account] = true;
    }

    function allow(address token) external {
        isAllowedToken[token] = true;
    }
}

/// An escrow as it is deployed, a prover with a key and a balance, quotes and their signatures.
abstract contract EscrowFixture {
    uint256 constant KEY = 0xC0FFEE;
    uint64 constant DELAY = 200;
    uint64 constant START = 1_000;
    uint256 constant BALANCE = 1_000 ether;
    address constant PHASE = address(0xFA5E);
    address constant SIDECAR = address(0x51DE);

    EscrowRegistry registry;
    IProverEscrow escrow;
    PlainToken plain;
    FeeToken fee;
    ReentrantToken reentrant;
    address prover;

    function setUp() public virtual {
        vm.roll(START);
        prover = vm.addr(KEY);
        registry = new EscrowRegistry();
        escrow = createEscrow();
        plain = new PlainToken();
        fee = new FeeToken(100);
        reentrant = new ReentrantToken();
        registry.allow(address(plain));
        registry.allow(address(fee));
        registry.allow(address(reentrant));
        registry.addCommitmentPhase(PHASE);
        plain.mint(prover, BALANCE);
        vm.prank(prover);
        plain.approve(address(escrow), type(uint256).max);
        vm.prank(prover);
        escrow.deposit(address(plain), BALANCE);
    }

    function createEscrow() internal returns (IProverEscrow made) {
        made = IProverEscrow(createEscrow(DELAY));
        require(address(made).code.length > 0);
    }

    /// Zero when the constructor reverts.
    function createEscrow(uint64 delay) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode("ProverEscrow.sol:ProverEscrow"), abi.encode(registry, delay));
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
    }

    function quote() internal view returns (IProverEscrow.Quote memory) {
        return IProverEscrow.Quote({
            prover: prover,
            sequencer: address(0x5E9),
            height: 7,
            blockCommitment: keccak256("block"),
            group: 0,
            tipToken: address(0),
            price: 1 ether,
            depositToken: address(plain),
            deposit: 100 ether,
            nonce: 1,
            expiry: START + 10
        });
    }

    function sign(IProverEscrow.Quote memory q) internal view returns (bytes memory) {
        return signWith(KEY, escrow.quoteDigest(q));
    }

    function signWith(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function draw(IProverEscrow.Quote memory q, bytes memory signature) internal {
        vm.prank(PHASE);
        escrow.draw(q, signature, SIDECAR);
    }

    function drawFails(IProverEscrow.Quote memory q, bytes memory signature, bytes memory why) internal {
        vm.expectRevert(why);
        draw(q, signature);
    }
}
