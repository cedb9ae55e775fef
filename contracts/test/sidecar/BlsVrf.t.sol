// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {BlsVrf} from "../../src/sidecar/BlsVrf.sol";
import {Q, R} from "../Fixture.sol";
import {vm} from "../Vm.sol";
import {BlsSigner} from "./BlsSigner.sol";

/// Every expected value is from testdata/reference_bls.py; its first five hashes are vectors that other libraries publish.
contract BlsVrfTest {
    struct Signed {
        uint256[4] key;
        bytes message;
        bytes dst;
        uint256[2] signature;
    }

    string json = vm.readFile("test/fixtures/bls_vrf.json");

    function test_hashes_to_the_field_and_to_the_curve_as_the_twin_does() public view {
        uint256 count;
        for (; vm.keyExistsJson(json, item(".hashes", count, "")); ++count) {
            bytes memory message = vm.parseJsonBytes(json, item(".hashes", count, ".message"));
            bytes memory dst = vm.parseJsonBytes(json, item(".hashes", count, ".dst"));
            bytes32[] memory u = vm.parseJsonBytes32Array(json, item(".hashes", count, ".u"));
            (uint256 u0, uint256 u1) = BlsVrf.hashToField(message, dst);
            require(u0 == uint256(u[0]) && u1 == uint256(u[1]), "hash to field");
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 x, uint256 y) = BlsVrf.mapToCurve(uint256(u[i]));
                uint256[2] memory mapped = point(item(item(".hashes", count, ".maps"), i, ""));
                require(x == mapped[0] && y == mapped[1], "map to curve");
            }
            uint256[2] memory hashed = BlsVrf.hashToCurve(message, dst);
            require(same(hashed, point(item(".hashes", count, ".point"))), "hash to curve");
        }
        require(count == 26, "vectors are missing");
    }

    function test_maps_exceptional_inputs_as_the_twin_does() public view {
        uint256 count;
        for (; vm.keyExistsJson(json, item(".maps", count, "")); ++count) {
            uint256 u = uint256(vm.parseJsonBytes32(json, item(".maps", count, ".u")));
            (uint256 x, uint256 y) = BlsVrf.mapToCurve(u);
            require(same([x, y], point(item(".maps", count, ".point"))), "map to curve");
        }
        require(count == 7, "vectors are missing");
    }

    function test_accepts_the_twins_signatures() public view {
        uint256 count;
        for (; vm.keyExistsJson(json, item(".signatures", count, "")); ++count) {
            Signed memory s = signed(count);
            require(BlsVrf.verify(s.key, s.message, s.dst, s.signature), "a signature is refused");
            uint256 secret = uint256(vm.parseJsonBytes32(json, item(".signatures", count, ".secret")));
            require(same(BlsSigner.sign(secret, s.message, s.dst), s.signature), "a signature is not unique");
        }
        require(count == 11, "vectors are missing");
    }

    function test_the_test_keys_are_those_of_small_secrets() public view {
        for (uint256 secret = 1; secret <= 8; ++secret) {
            uint256[4] memory expected = key(item(".keysOfSmallSecrets", secret - 1, ""));
            require(keccak256(abi.encode(BlsSigner.publicKey(secret))) == keccak256(abi.encode(expected)));
        }
    }

    function test_rejects_the_signature_of_another_message_domain_or_key() public view {
        Signed memory s = signed(0);
        bytes memory other = bytes.concat(s.message, hex"00");
        require(!BlsVrf.verify(s.key, other, s.dst, s.signature), "message");
        require(!BlsVrf.verify(s.key, s.message, BlsVrf.POSSESSION_DST, s.signature), "domain");
        require(!BlsVrf.verify(signed(1).key, s.message, s.dst, s.signature), "key");
        require(!BlsVrf.verify(s.key, s.message, s.dst, signed(1).signature), "signature");
    }

    function test_rejects_a_negated_signature_and_a_negated_key() public view {
        Signed memory s = signed(0);
        s.signature[1] = Q - s.signature[1];
        require(!BlsVrf.verify(s.key, s.message, s.dst, s.signature), "signature");
        // Both negated fit again: the key is another one.
        (s.key[2], s.key[3]) = (Q - s.key[2], Q - s.key[3]);
        require(BlsVrf.verify(s.key, s.message, s.dst, s.signature), "both");
        s.signature[1] = Q - s.signature[1];
        require(!BlsVrf.verify(s.key, s.message, s.dst, s.signature), "key");
    }

    function test_rejects_signatures_that_are_no_points_of_the_curve() public view {
        Signed memory s = signed(0);
        uint256[2] memory good = [s.signature[0], s.signature[1]];
        uint256[2][7] memory bad = [
            [uint256(0), 0],
            [good[0], addmod(good[1], 1, Q)],
            [good[1], good[0]],
            [good[0] + Q, good[1]],
            [good[0], good[1] + Q],
            [type(uint256).max, type(uint256).max],
            [Q, Q]
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            uint256 before = gasleft();
            (bool isKey, bool valid) = BlsVrf.check(s.key, s.message, s.dst, bad[i]);
            require(isKey && !valid, "accepted a signature that is no point");
            require(before - gasleft() < 20_000, "the precompile was asked, which burns its gas");
        }
    }

    function test_rejects_keys_that_are_no_points_of_the_group() public view {
        Signed memory s = signed(0);
        uint256[4] memory k = s.key;
        refusesKey([uint256(0), 0, 0, 0], s);
        refusesKey(key(".outsideSubgroup"), s);
        refusesKey([k[1], k[0], k[3], k[2]], s);
        refusesKey([k[0], k[1], k[2], addmod(k[3], 1, Q)], s);
        for (uint256 i = 0; i < 4; ++i) {
            k = [s.key[0], s.key[1], s.key[2], s.key[3]];
            k[i] += Q;
            refusesKey(k, s);
        }
    }

    function test_a_refused_key_burns_a_capped_amount_of_gas() public view {
        Signed memory s = signed(0);
        uint256[4] memory k = key(".outsideSubgroup");
        uint256 before = gasleft();
        BlsVrf.check(k, s.message, s.dst, s.signature);
        require(before - gasleft() < 320_000, "not capped");
    }

    function testFuzz_maps_every_element_to_the_curve_with_its_sign(uint256 u) public view {
        u %= Q;
        (uint256 x, uint256 y) = BlsVrf.mapToCurve(u);
        require(BlsVrf.isOnCurve([x, y]) && y & 1 == u & 1);
    }

    function testFuzz_every_signature_fits_and_no_other_does(
        uint256 secret,
        bytes calldata message,
        uint256 word,
        uint256 change
    ) public view {
        secret = secret % 8 + 1;
        uint256[2] memory signature = BlsSigner.vrf(secret, message);
        uint256[4] memory k = BlsSigner.publicKey(secret);
        require(BlsVrf.verify(k, message, BlsVrf.VRF_DST, signature));
        if (change == 0) return;
        unchecked {
            signature[word % 2] += change;
        }
        require(!BlsVrf.verify(k, message, BlsVrf.VRF_DST, signature));
    }

    function testFuzz_a_signature_by_any_other_secret_is_rejected(uint256 secret, bytes calldata message) public view {
        secret %= R;
        if (secret == 3) return;
        uint256[2] memory signature = BlsSigner.vrf(secret, message);
        require(!BlsVrf.verify(BlsSigner.publicKey(3), message, BlsVrf.VRF_DST, signature));
    }

    function refusesKey(uint256[4] memory k, Signed memory s) private view {
        (bool isKey, bool valid) = BlsVrf.check(k, s.message, s.dst, s.signature);
        require(!isKey && !valid, "accepted a key that is none");
    }

    function signed(uint256 index) private view returns (Signed memory s) {
        s.key = key(item(".signatures", index, ".publicKey"));
        s.message = vm.parseJsonBytes(json, item(".signatures", index, ".message"));
        s.dst = vm.parseJsonBytes(json, item(".signatures", index, ".dst"));
        s.signature = point(item(".signatures", index, ".signature"));
    }

    function key(string memory path) private view returns (uint256[4] memory) {
        bytes32[] memory words = vm.parseJsonBytes32Array(json, path);
        require(words.length == 4);
        return [uint256(words[0]), uint256(words[1]), uint256(words[2]), uint256(words[3])];
    }

    function point(string memory path) private view returns (uint256[2] memory) {
        bytes32[] memory words = vm.parseJsonBytes32Array(json, path);
        require(words.length == 2);
        return [uint256(words[0]), uint256(words[1])];
    }

    function item(string memory list, uint256 index, string memory field) private pure returns (string memory) {
        return string.concat(list, "[", Strings.toString(index), "]", field);
    }

    function same(uint256[2] memory a, uint256[2] memory b) private pure returns (bool) {
        return a[0] == b[0] && a[1] == b[1];
    }
}
