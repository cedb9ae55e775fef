// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../src/IRootProofVerifier.sol";
import {CALL_GAS, Fixture, FixtureTest, Q, R} from "./Fixture.sol";
import {vm} from "./Vm.sol";

contract RootProofVerifierTest is FixtureTest {
    IRootProofVerifier verifier;
    Fixture f;
    string[5] names = ["one_subtree", "two_subtrees", "four_subtrees", "two_groups", "three_groups"];

    function setUp() public {
        f = load("four_subtrees");
        verifier = deploy(f.key);
    }

    function test_the_contract_lies_at_the_address_the_proofs_name() public view {
        require(address(verifier) == 0x5FbDB2315678afecb367f032d93F642f64180aa3);
    }

    function test_the_key_is_readable_and_its_digest_is_the_hash_of_its_words() public view {
        require(verifier.keyDigest() == keccak256(abi.encode(f.key)));
        require(verifier.setupLabel() == f.key.label);
        require(verifier.rowsPerSubtree() == f.key.rows);
    }

    function test_accepts_proofs_of_one_two_and_four_subtrees_and_of_two_and_three_groups() public view {
        for (uint256 i = 0; i < names.length; ++i) {
            accepts(verifier, load(names[i]));
        }
    }

    function test_accepts_a_call_from_solidity() public view {
        verifier.verify(f.start, f.end, f.beneficiary, f.proof);
    }

    function test_hints_decide_nothing() public view {
        for (uint256 i = 0; i < names.length; ++i) {
            Fixture memory g = load(names[i]);
            bytes memory data = withHints(verifier, g);
            uint256 length = data.length;
            (bool accepted,) = address(verifier).staticcall{gas: CALL_GAS}(data);
            require(accepted, "refused with its hints");
            data[length - 1] ^= 0x01;
            (accepted,) = address(verifier).staticcall{gas: CALL_GAS}(data);
            require(accepted, "refused with a wrong hint");
            data[length - 1] ^= 0x01;
            data[length - 33 - 32 * (g.proof.length / 1824)] ^= 0x01;
            (accepted,) = address(verifier).staticcall{gas: CALL_GAS}(data);
            require(!accepted, "accepted a changed proof with hints");
        }
    }

    function test_hints_are_refused_for_what_verify_refuses_before_them() public view {
        Fixture memory g = f;
        g.start[1] = R;
        hintsRevert(g, reason(IRootProofVerifier.StatementNotCanonical.selector, 1));
        g.start[1] = 0;
        setWord(g.proof, 0, 3);
        hintsRevert(g, reason(IRootProofVerifier.UnsupportedSubtrees.selector, 3));
        setWord(g.proof, 0, 4);
        setWord(g.proof, 30, R);
        hintsRevert(g, reason(IRootProofVerifier.NotCanonical.selector, 30));
        g.proof = hex"00";
        hintsRevert(g, reason(IRootProofVerifier.InvalidLength.selector, 1));
    }

    function test_rejects_another_value_in_any_word() public view {
        Fixture memory g = f;
        for (uint256 i = 1; i < g.proof.length / 32; ++i) {
            uint256 kept = word(g.proof, i);
            setWord(g.proof, i, kept ^ 1);
            if (isScalar(i)) {
                rejects(verifier, g, rejected());
            } else {
                rejects(
                    verifier,
                    g,
                    reason(IRootProofVerifier.PointNotOnCurve.selector, i > 45 ? i / 2 * 2 : (i - 1) / 2 * 2 + 1)
                );
            }
            setWord(g.proof, i, kept);
        }
        accepts(verifier, g);
    }

    function test_rejects_another_value_in_any_word_of_several_groups() public view {
        Fixture memory g = load("two_groups");
        for (uint256 i = 0; i < g.proof.length / 32; ++i) {
            uint256 kept = word(g.proof, i);
            setWord(g.proof, i, kept ^ 1);
            rejects(verifier, g);
            setWord(g.proof, i, kept);
        }
        accepts(verifier, g);
    }

    function test_rejects_another_point_in_place_of_any() public view {
        Fixture memory g = f;
        for (uint256 i = 1; i < g.proof.length / 32; i += 2) {
            if (i == 29) i = 46;
            (uint256 x, uint256 y) = (word(g.proof, i), word(g.proof, i + 1));
            setWord(g.proof, i + 1, Q - y);
            rejects(verifier, g, rejected());
            setWord(g.proof, i, 1);
            setWord(g.proof, i + 1, 2);
            rejects(verifier, g, rejected());
            setWord(g.proof, i, 0);
            setWord(g.proof, i + 1, 0);
            rejects(verifier, g, rejected());
            setWord(g.proof, i, x);
            setWord(g.proof, i + 1, y);
        }
        accepts(verifier, g);
    }

    function test_rejects_scalars_with_r_added() public view {
        Fixture memory g = f;
        for (uint256 i = 29; i <= 45; ++i) {
            uint256 kept = word(g.proof, i);
            setWord(g.proof, i, kept + R);
            rejects(verifier, g, reason(IRootProofVerifier.NotCanonical.selector, i));
            setWord(g.proof, i, kept);
        }
    }

    function test_rejects_coordinates_with_q_added() public view {
        Fixture memory g = f;
        for (uint256 i = 1; i < g.proof.length / 32; ++i) {
            if (i == 29) i = 46;
            uint256 kept = word(g.proof, i);
            setWord(g.proof, i, kept + Q);
            rejects(verifier, g, reason(IRootProofVerifier.NotCanonical.selector, i));
            setWord(g.proof, i, kept);
        }
    }

    function test_rejects_words_that_are_all_ones() public view {
        Fixture memory g = f;
        for (uint256 i = 1; i < g.proof.length / 32; ++i) {
            uint256 kept = word(g.proof, i);
            setWord(g.proof, i, type(uint256).max);
            rejects(verifier, g, reason(IRootProofVerifier.NotCanonical.selector, i));
            setWord(g.proof, i, kept);
        }
    }

    function test_the_index_of_a_bad_word_counts_through_all_groups() public view {
        Fixture memory g = load("three_groups");
        uint256[5] memory indices = [uint256(1), 4, 57 + 2, 57 + 4 + 28, 114 + 1 + 52];
        for (uint256 i = 0; i < indices.length; ++i) {
            uint256 kept = word(g.proof, indices[i]);
            setWord(g.proof, indices[i], type(uint256).max);
            rejects(verifier, g, reason(IRootProofVerifier.NotCanonical.selector, indices[i]));
            setWord(g.proof, indices[i], kept);
        }
        accepts(verifier, g);
    }

    function test_rejects_proofs_cut_or_lengthened() public view {
        uint256[12] memory lengths = [uint256(0), 1, 32, 1696, 1727, 1729, 1760, 1824, 3551, 3553, 29087, 30912];
        for (uint256 i = 0; i < lengths.length; ++i) {
            Fixture memory g = f;
            bytes memory proof = new bytes(lengths[i]);
            for (uint256 j = 0; j < f.proof.length && j < proof.length; ++j) {
                proof[j] = g.proof[j];
            }
            g.proof = proof;
            rejects(verifier, g, reason(IRootProofVerifier.InvalidLength.selector, lengths[i]));
        }
    }

    function test_rejects_numbers_of_subtrees_outside_the_table() public view {
        Fixture memory g = f;
        uint256[6] memory wrong = [uint256(0), 3, 5, 512, 1 << 255, R + 4];
        for (uint256 i = 0; i < wrong.length; ++i) {
            setWord(g.proof, 0, wrong[i]);
            rejects(verifier, g, reason(IRootProofVerifier.UnsupportedSubtrees.selector, wrong[i]));
        }
    }

    function test_rejects_another_number_of_subtrees_from_the_table() public view {
        Fixture memory g = f;
        for (uint256 m = 1; m <= 256; m *= 2) {
            setWord(g.proof, 0, m);
            if (m == 4) accepts(verifier, g);
            else rejects(verifier, g, rejected());
        }
    }

    function test_rejects_another_start_or_end() public view {
        Fixture memory g = f;
        for (uint256 i = 0; i < 3; ++i) {
            g.start[i] ^= 1;
            rejects(verifier, g, rejected());
            g.start[i] ^= 1;
            g.end[i] ^= 1;
            rejects(verifier, g, rejected());
            g.end[i] ^= 1;
        }
        (g.start, g.end) = (g.end, g.start);
        rejects(verifier, g, rejected());
        (g.start, g.end) = (g.end, g.start);
        (g.start[0], g.start[1]) = (g.start[1], g.start[0]);
        rejects(verifier, g, rejected());
    }

    function test_rejects_a_statement_with_r_added() public view {
        Fixture memory g = f;
        for (uint256 i = 0; i < 3; ++i) {
            g.start[i] += R;
            rejects(verifier, g, reason(IRootProofVerifier.StatementNotCanonical.selector, i));
            g.start[i] -= R;
            g.end[i] += R;
            rejects(verifier, g, reason(IRootProofVerifier.StatementNotCanonical.selector, 3 + i));
            g.end[i] -= R;
        }
    }

    function test_rejects_another_beneficiary() public view {
        Fixture memory g = f;
        g.beneficiary = address(uint160(g.beneficiary) ^ 1);
        rejects(verifier, g, rejected());
    }

    function test_rejects_on_another_chain() public {
        vm.chainId(block.chainid + 1);
        rejects(verifier, f, rejected());
    }

    function test_rejects_at_another_address() public {
        rejects(create(f.key), f, rejected());
    }

    function test_rejects_under_another_key() public {
        Fixture memory g = f;
        g.key.label ^= bytes32(uint256(1));
        rejects(create(g.key), g, rejected());
    }

    function test_rejects_a_group_of_another_block() public view {
        // two_groups is the block two_subtrees and a second one; a lone group is no part of the list, nor the reverse.
        Fixture memory list = load("two_groups");
        Fixture memory first = load("two_subtrees");
        Fixture memory four = f;
        for (uint256 i = 0; i < 53; ++i) {
            setWord(four.proof, 1 + i, word(first.proof, 1 + i));
        }
        rejects(verifier, four, rejected());
        for (uint256 i = 0; i < 53; ++i) {
            setWord(list.proof, 58 + i, word(first.proof, 1 + i));
        }
        rejects(verifier, list, rejected());
    }

    function test_rejects_groups_in_another_order() public view {
        Fixture memory g = load("two_groups");
        for (uint256 i = 0; i < 53; ++i) {
            (uint256 a, uint256 b) = (word(g.proof, 4 + i), word(g.proof, 58 + i));
            setWord(g.proof, 4 + i, b);
            setWord(g.proof, 58 + i, a);
        }
        rejects(verifier, g, rejected());
    }

    function test_rejects_witnesses_of_two_groups_that_cancel_in_a_plain_sum() public view {
        // P more in one group's WY', P less in the other's: their plain sum is unchanged in C, the weighted one is not.
        Fixture memory g = load("two_groups");
        uint256 first = 4 + 51;
        uint256 second = 58 + 51;
        (uint256 x1, uint256 y1) = add(word(g.proof, first), word(g.proof, first + 1), 1, 2);
        (uint256 x2, uint256 y2) = add(word(g.proof, second), word(g.proof, second + 1), 1, Q - 2);
        setWord(g.proof, first, x1);
        setWord(g.proof, first + 1, y1);
        setWord(g.proof, second, x2);
        setWord(g.proof, second + 1, y2);
        rejects(verifier, g, rejected());
    }

    function test_rejects_another_end_between_groups() public view {
        Fixture memory g = load("two_groups");
        for (uint256 i = 1; i < 4; ++i) {
            setWord(g.proof, i, word(g.proof, i) ^ 1);
            rejects(verifier, g, rejected());
            setWord(g.proof, i, word(g.proof, i) ^ 1);
        }
        accepts(verifier, g);
    }

    function test_names_the_precompile_that_fails() public {
        Fixture memory g = f;
        for (uint160 p = 6; p <= 8; ++p) {
            // An answer without bytes, as from an address without code.
            vm.mockCall(address(p), "", "");
            rejects(verifier, g, reason(IRootProofVerifier.PrecompileFailed.selector, p));
            vm.clearMockedCalls();
            vm.mockCall(address(p), "", new bytes(96));
            rejects(verifier, g, reason(IRootProofVerifier.PrecompileFailed.selector, p));
            vm.clearMockedCalls();
        }
        accepts(verifier, g);
    }

    function test_rejects_a_pairing_that_answers_zero_or_two() public {
        vm.mockCall(address(8), "", abi.encode(0));
        rejects(verifier, f, rejected());
        vm.mockCall(address(8), "", abi.encode(2));
        rejects(verifier, f, rejected());
    }

    function test_refuses_keys_with_rows_that_are_no_supported_power_of_two() public {
        Fixture memory g = f;
        uint256[6] memory wrong = [uint256(0), 1, 4, 33, 1 << 29, type(uint256).max];
        for (uint256 i = 0; i < wrong.length; ++i) {
            g.key.rows = wrong[i];
            refuses(g.key, 1);
        }
    }

    function test_refuses_keys_with_a_bad_point() public {
        Fixture memory g = f;
        for (uint256 i = 0; i < 16; ++i) {
            g.key.fixedColumns[i][1] ^= 1;
            refuses(g.key, 2);
            g.key.fixedColumns[i][1] ^= 1;
            g.key.fixedColumns[i][0] += Q;
            refuses(g.key, 2);
            g.key.fixedColumns[i][0] -= Q;
        }
        g.key.tx[3] ^= 1;
        refuses(g.key, 3);
        g.key.tx = [uint256(0), 0, 0, 0];
        refuses(g.key, 3);
        g.key.tx = f.key.tx;
        g.key.ty = [g.key.ty[1], g.key.ty[0], g.key.ty[2], g.key.ty[3]];
        refuses(g.key, 3);
    }

    function hintsRevert(Fixture memory g, bytes memory expected) private view {
        try verifier.hints(g.start, g.end, g.beneficiary, g.proof) {
            revert("gave hints for what must be refused");
        } catch (bytes memory why) {
            require(keccak256(why) == keccak256(expected), "refused for another reason");
        }
    }

    function refuses(IRootProofVerifier.Key memory key, uint256 part) private {
        try this.createFor{gas: 8_000_000}(key) {
            revert("deployed what must be refused");
        } catch (bytes memory why) {
            require(keccak256(why) == keccak256(reason(IRootProofVerifier.InvalidKey.selector, part)), "another reason");
        }
    }

    function createFor(IRootProofVerifier.Key memory key) external returns (IRootProofVerifier) {
        return create(key);
    }

    function add(uint256 x1, uint256 y1, uint256 x2, uint256 y2) private view returns (uint256 x, uint256 y) {
        (bool ok, bytes memory sum) = address(6).staticcall(abi.encode(x1, y1, x2, y2));
        require(ok);
        return abi.decode(sum, (uint256, uint256));
    }
}
