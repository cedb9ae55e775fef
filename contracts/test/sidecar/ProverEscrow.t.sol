// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {vm} from "../Vm.sol";
import {ContractSigner} from "./ContractSigner.sol";
import {EscrowFixture} from "./EscrowFixture.sol";

contract ProverEscrowTest is EscrowFixture {
    bytes constant INVALID_SIGNATURE = abi.encodePacked(IProverEscrow.InvalidSignature.selector);

    function test_the_digest_is_that_of_eip_712() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Proofyard"),
                keccak256("1"),
                block.chainid,
                address(escrow)
            )
        );
        IProverEscrow.Quote memory q = quote();
        bytes32 inner = keccak256(
            bytes.concat(
                abi.encode(
                    keccak256(
                        "Quote(address prover,address sequencer,uint256 height,bytes32 blockCommitment,uint32 group,address tipToken,uint256 price,address depositToken,uint256 deposit,uint256 nonce,uint64 expiry)"
                    ),
                    q.prover,
                    q.sequencer,
                    q.height,
                    q.blockCommitment,
                    q.group
                ),
                abi.encode(q.tipToken, q.price, q.depositToken, q.deposit, q.nonce, q.expiry)
            )
        );
        require(escrow.quoteDigest(q) == keccak256(abi.encodePacked(hex"1901", domain, inner)), "quote");

        IProverEscrow.Receipt memory r = IProverEscrow.Receipt(keccak256("block"), keccak256("file"), 1, START);
        inner = keccak256(
            abi.encode(
                keccak256("Receipt(bytes32 blockCommitment,bytes32 blockId,uint256 nonce,uint64 acceptedAt)"),
                r.blockCommitment,
                r.blockId,
                r.nonce,
                r.acceptedAt
            )
        );
        require(escrow.receiptDigest(r) == keccak256(abi.encodePacked(hex"1901", domain, inner)), "receipt");
    }

    function test_a_signed_quote_draws_its_deposit() public {
        IProverEscrow.Quote memory q = quote();
        draw(q, sign(q));
        require(plain.balanceOf(SIDECAR) == q.deposit);
        require(escrow.available(address(plain), prover) == BALANCE - q.deposit);
        require(escrow.isNonceUsed(prover, q.nonce) && !escrow.isNonceUsed(prover, q.nonce + 1));
    }

    function test_a_quote_is_drawn_in_its_last_block_and_not_after() public {
        IProverEscrow.Quote memory q = quote();
        bytes memory signature = sign(q);
        vm.roll(q.expiry + 1);
        drawFails(q, signature, abi.encodeWithSelector(IProverEscrow.QuoteExpired.selector, q.expiry));
        vm.roll(q.expiry);
        draw(q, signature);
    }

    function test_a_nonce_is_drawn_once_whatever_else_the_quote_says() public {
        IProverEscrow.Quote memory q = quote();
        bytes memory signature = sign(q);
        draw(q, signature);
        bytes memory why = abi.encodeWithSelector(IProverEscrow.NonceUsed.selector, q.nonce);
        drawFails(q, signature, why);
        q.blockCommitment = keccak256("another block");
        drawFails(q, sign(q), why);
        q.nonce = 257;
        draw(q, sign(q));
    }

    function test_a_cancelled_nonce_is_worthless() public {
        IProverEscrow.Quote memory q = quote();
        vm.prank(address(0xBAD));
        escrow.cancelNonce(q.nonce);
        draw(q, sign(q));

        q.nonce = 2;
        vm.prank(prover);
        escrow.cancelNonce(q.nonce);
        bytes memory why = abi.encodeWithSelector(IProverEscrow.NonceUsed.selector, q.nonce);
        drawFails(q, sign(q), why);
        vm.expectRevert(why);
        vm.prank(prover);
        escrow.cancelNonce(q.nonce);
    }

    function test_only_commitment_phases_of_the_registry_draw() public {
        IProverEscrow.Quote memory q = quote();
        bytes memory signature = sign(q);
        vm.expectRevert(abi.encodeWithSelector(IProverEscrow.NotAllowed.selector, prover));
        vm.prank(prover);
        escrow.draw(q, signature, prover);
    }

    function test_wrong_signatures_are_refused() public {
        IProverEscrow.Quote memory q = quote();
        bytes32 digest = escrow.quoteDigest(q);
        drawFails(q, signWith(KEY + 1, digest), INVALID_SIGNATURE);
        drawFails(q, "", INVALID_SIGNATURE);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        drawFails(q, abi.encodePacked(r, s), INVALID_SIGNATURE);
        // The other root: as good a signature to the curve, refused so that a signature has one form.
        bytes32 high = bytes32(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141 - uint256(s));
        drawFails(q, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)), INVALID_SIGNATURE);
        q.prover = address(0);
        drawFails(q, abi.encodePacked(r, s, uint8(29)), INVALID_SIGNATURE);
    }

    function test_no_field_of_a_signed_quote_can_be_changed() public {
        bytes memory signature = sign(quote());
        for (uint256 i = 0; i < 11; ++i) {
            IProverEscrow.Quote memory q = quote();
            if (i == 0) q.prover = address(0xBAD);
            if (i == 1) q.sequencer = address(0xBAD);
            if (i == 2) q.height += 1;
            if (i == 3) q.blockCommitment = keccak256("another block");
            if (i == 4) q.group += 1;
            if (i == 5) q.tipToken = address(plain);
            if (i == 6) q.price -= 1;
            if (i == 7) q.depositToken = address(fee);
            if (i == 8) q.deposit += 1;
            if (i == 9) q.nonce += 1;
            if (i == 10) q.expiry += 1;
            drawFails(q, signature, INVALID_SIGNATURE);
        }
    }

    function test_a_quote_for_another_chain_or_escrow_is_refused() public {
        IProverEscrow.Quote memory q = quote();
        drawFails(q, signWith(KEY, createEscrow().quoteDigest(q)), INVALID_SIGNATURE);
        bytes memory signature = sign(q);
        vm.chainId(block.chainid + 1);
        drawFails(q, signature, INVALID_SIGNATURE);
    }

    function test_a_contract_signs_by_erc_1271() public {
        ContractSigner signer = new ContractSigner();
        plain.mint(address(this), BALANCE);
        plain.approve(address(escrow), BALANCE);
        escrow.depositFor(address(signer), address(plain), BALANCE);
        IProverEscrow.Quote memory q = quote();
        q.prover = address(signer);
        drawFails(q, "as the contract wants it", INVALID_SIGNATURE);
        signer.approve(escrow.quoteDigest(q));
        drawFails(q, "in some other way", INVALID_SIGNATURE);
        drawFails(q, sign(q), INVALID_SIGNATURE);
        draw(q, "as the contract wants it");
        require(plain.balanceOf(SIDECAR) == q.deposit);
    }

    function test_a_contract_that_does_not_sign_is_refused() public {
        IProverEscrow.Quote memory q = quote();
        q.prover = address(plain);
        drawFails(q, sign(q), INVALID_SIGNATURE);
    }

    function test_a_deposit_beyond_the_balance_is_refused() public {
        IProverEscrow.Quote memory q = quote();
        q.deposit = BALANCE + 1;
        drawFails(q, sign(q), insufficient(BALANCE, BALANCE + 1));
        require(!escrow.isNonceUsed(prover, q.nonce), "the nonce is gone with nothing drawn");
        q.deposit = BALANCE;
        draw(q, sign(q));
    }

    function test_an_announced_withdrawal_no_longer_backs_a_draw() public {
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), BALANCE - 99 ether);
        IProverEscrow.Quote memory q = quote();
        drawFails(q, sign(q), insufficient(99 ether, 100 ether));
        vm.prank(prover);
        escrow.cancelWithdrawal(address(plain));
        draw(q, sign(q));
        require(escrow.available(address(plain), prover) == BALANCE - q.deposit);
    }

    function test_a_withdrawal_waits_for_its_delay() public {
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), 10 ether);
        (uint256 pending, uint64 from) = escrow.pendingWithdrawal(address(plain), prover);
        require(pending == 10 ether && from == START + DELAY);
        vm.roll(from - 1);
        withdrawFails(abi.encodeWithSelector(IProverEscrow.TooEarly.selector, from));
        vm.roll(from);
        vm.prank(prover);
        require(escrow.withdraw(address(plain)) == 10 ether && plain.balanceOf(prover) == 10 ether);
        withdrawFails(abi.encodePacked(IProverEscrow.NothingToWithdraw.selector));
    }

    function test_withdrawals_wait_longer_than_a_height_lasts() public {
        require(createEscrow(199) == address(0), "not longer");
        require(createEscrow(200) != address(0), "longer");
    }

    function test_a_further_request_adds_and_starts_the_delay_anew() public {
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), 10 ether);
        vm.roll(START + DELAY);
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), 5 ether);
        (uint256 pending, uint64 from) = escrow.pendingWithdrawal(address(plain), prover);
        require(pending == 15 ether && from == START + 2 * DELAY);
        withdrawFails(abi.encodeWithSelector(IProverEscrow.TooEarly.selector, from));
    }

    function test_nobody_announces_more_than_the_balance_or_cancels_nothing() public {
        vm.expectRevert(insufficient(BALANCE, BALANCE + 1));
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), BALANCE + 1);
        vm.expectRevert(abi.encodePacked(IProverEscrow.NothingToWithdraw.selector));
        vm.prank(prover);
        escrow.cancelWithdrawal(address(plain));
    }

    function test_tokens_off_the_list_and_eth_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IProverEscrow.TokenRefused.selector, address(this)));
        escrow.deposit(address(this), 1);
        registry.allow(address(0));
        vm.expectRevert(abi.encodeWithSelector(IProverEscrow.TokenRefused.selector, address(0)));
        escrow.deposit(address(0), 1);
    }

    function test_snapshot_gas_of_deposit_draw_and_withdrawal() public {
        plain.mint(prover, BALANCE);
        vm.prank(prover);
        escrow.deposit(address(plain), BALANCE);
        vm.snapshotValue("ProverEscrow", "gas_deposit", vm.lastCallGas().gasTotalUsed);
        IProverEscrow.Quote memory q = quote();
        bytes memory signature = sign(q);
        draw(q, signature);
        vm.snapshotValue("ProverEscrow", "gas_draw", vm.lastCallGas().gasTotalUsed);
        vm.prank(prover);
        escrow.requestWithdrawal(address(plain), BALANCE);
        vm.snapshotValue("ProverEscrow", "gas_request_withdrawal", vm.lastCallGas().gasTotalUsed);
        vm.roll(START + DELAY);
        vm.prank(prover);
        escrow.withdraw(address(plain));
        vm.snapshotValue("ProverEscrow", "gas_withdraw", vm.lastCallGas().gasTotalUsed);
    }

    function withdrawFails(bytes memory why) private {
        vm.expectRevert(why);
        vm.prank(prover);
        escrow.withdraw(address(plain));
    }

    function insufficient(uint256 has, uint256 needs) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IProverEscrow.InsufficientBalance.selector, has, needs);
    }
}
