// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {vm} from "../Vm.sol";
import {EscrowFixture} from "./EscrowFixture.sol";

/// Strange tokens, and that nothing is lost or made in any order of calls.
contract ProverEscrowTokensTest is EscrowFixture {
    function test_a_fee_token_counts_as_what_arrived() public {
        fee.mint(address(this), 100 ether);
        fee.approve(address(escrow), type(uint256).max);
        escrow.deposit(address(fee), 100 ether);
        require(escrow.available(address(fee), address(this)) == 99 ether);
        require(fee.balanceOf(address(escrow)) == 99 ether);
        escrow.requestWithdrawal(address(fee), 99 ether);
        vm.roll(START + DELAY);
        require(escrow.withdraw(address(fee)) == 99 ether);
        require(fee.balanceOf(address(escrow)) == 0);
    }

    function test_a_token_that_takes_more_than_it_is_asked_to_takes_nothing_from_others() public {
        fee.mint(prover, 100 ether);
        vm.prank(prover);
        fee.approve(address(escrow), type(uint256).max);
        fee.setFee(0, true);
        vm.prank(prover);
        escrow.deposit(address(fee), 100 ether);
        fee.setFee(100, true);
        IProverEscrow.Quote memory q = quote();
        q.depositToken = address(fee);
        q.deposit = 50 ether;
        drawFails(q, sign(q), abi.encodeWithSelector(IProverEscrow.TokenRefused.selector, address(fee)));
        require(fee.balanceOf(address(escrow)) == 100 ether && !escrow.isNonceUsed(prover, q.nonce));
    }

    function test_a_token_that_reenters_is_stopped() public {
        address token = address(reentrant);
        reentrant.mint(token, 1_000 ether);
        reentrant.run(token, 0, abi.encodeCall(reentrant.approve, (address(escrow), type(uint256).max)));
        bytes[4] memory attempts = [
            abi.encodeCall(escrow.withdraw, (token)),
            abi.encodeCall(escrow.deposit, (token, 100 ether)),
            abi.encodeCall(escrow.requestWithdrawal, (token, 1)),
            abi.encodeCall(escrow.cancelWithdrawal, (token))
        ];
        for (uint256 i = 0; i < attempts.length; ++i) {
            reentrant.arm(address(escrow), attempts[i]);
            reentrant.run(address(escrow), 0, abi.encodeCall(escrow.deposit, (token, 100 ether)));
            stopped(2 * i + 1);
            reentrant.run(address(escrow), 0, abi.encodeCall(escrow.requestWithdrawal, (token, 100 ether)));
            vm.roll(block.number + DELAY);
            reentrant.arm(address(escrow), attempts[i]);
            reentrant.run(address(escrow), 0, abi.encodeCall(escrow.withdraw, (token)));
            stopped(2 * i + 2);
            require(reentrant.balanceOf(token) == 1_000 ether && reentrant.balanceOf(address(escrow)) == 0);
        }
    }

    function test_a_draw_cannot_be_repeated_from_within() public {
        reentrant.mint(prover, 1_000 ether);
        vm.prank(prover);
        reentrant.approve(address(escrow), type(uint256).max);
        vm.prank(prover);
        escrow.deposit(address(reentrant), 1_000 ether);
        // The worst case: the token itself is a commitment phase.
        registry.addCommitmentPhase(address(reentrant));
        IProverEscrow.Quote memory q = quote();
        q.depositToken = address(reentrant);
        bytes memory first = abi.encodeCall(escrow.draw, (q, sign(q), SIDECAR));
        q.nonce = 2;
        reentrant.arm(address(escrow), abi.encodeCall(escrow.draw, (q, sign(q), SIDECAR)));
        reentrant.run(address(escrow), 0, first);
        stopped(1);
        require(reentrant.balanceOf(SIDECAR) == q.deposit && !escrow.isNonceUsed(prover, 2));
    }

    /// Three provers, any order of calls: the escrow holds what it owes, and nobody gets what is another's.
    function testFuzz_what_goes_in_goes_out_or_is_held(uint256[24] calldata steps) public {
        uint256[3] memory keys = [KEY, KEY + 1, KEY + 2];
        uint256[3] memory paidIn;
        uint256[3] memory takenOut;
        paidIn[0] = BALANCE;
        uint256 drawn;
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 who = steps[i] % 3;
            address account = vm.addr(keys[who]);
            uint256 amount = (steps[i] >> 32) % (300 ether);
            uint256 kind = (steps[i] >> 16) % 6;
            if (kind == 0) {
                plain.mint(account, amount);
                vm.prank(account);
                plain.approve(address(escrow), amount);
                vm.prank(account);
                escrow.deposit(address(plain), amount);
                paidIn[who] += amount;
            } else if (kind == 1) {
                attempt(account, abi.encodeCall(escrow.requestWithdrawal, (address(plain), amount)));
            } else if (kind == 2) {
                attempt(account, abi.encodeCall(escrow.cancelWithdrawal, (address(plain))));
            } else if (kind == 3) {
                uint256 before = plain.balanceOf(account);
                attempt(account, abi.encodeCall(escrow.withdraw, (address(plain))));
                takenOut[who] += plain.balanceOf(account) - before;
            } else if (kind == 4) {
                IProverEscrow.Quote memory q = quote();
                (q.prover, q.deposit, q.nonce, q.expiry) = (account, amount, i, type(uint64).max);
                bytes memory signature = signWith(keys[who], escrow.quoteDigest(q));
                if (attempt(PHASE, abi.encodeCall(escrow.draw, (q, signature, SIDECAR)))) {
                    drawn += amount;
                    takenOut[who] += amount;
                }
            } else {
                vm.roll(block.number + amount % (2 * DELAY));
            }
            checkBooks(keys, paidIn, takenOut);
        }
        require(plain.balanceOf(SIDECAR) == drawn);
    }

    function checkBooks(uint256[3] memory keys, uint256[3] memory paidIn, uint256[3] memory takenOut) private view {
        uint256 owed;
        for (uint256 who = 0; who < 3; ++who) {
            (uint256 pending,) = escrow.pendingWithdrawal(address(plain), vm.addr(keys[who]));
            uint256 held = escrow.available(address(plain), vm.addr(keys[who])) + pending;
            require(paidIn[who] == takenOut[who] + held, "somebody's money went elsewhere");
            owed += held;
        }
        require(plain.balanceOf(address(escrow)) == owed, "not what is owed");
    }

    function attempt(address account, bytes memory data) private returns (bool good) {
        vm.prank(account);
        (good,) = address(escrow).call(data);
    }

    function stopped(uint256 calls) private view {
        require(reentrant.calls() == calls, "it did not call back");
        require(!reentrant.succeeded(), "it came in");
        bytes4 why = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        require(keccak256(reentrant.answer()) == keccak256(abi.encodePacked(why)), "stopped by something else");
    }
}
