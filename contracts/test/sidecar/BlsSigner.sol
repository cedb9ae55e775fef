// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlsVrf} from "../../src/sidecar/BlsVrf.sol";
import {ISequencerSet} from "../../src/sidecar/ISequencerSet.sol";

/// Signs for the secrets 1 to 8, whose public keys are those of test/fixtures/bls_vrf.json.
library BlsSigner {
    /// The VRF output over a message.
    function vrf(uint256 secret, bytes memory message) internal view returns (uint256[2] memory) {
        return sign(secret, message, BlsVrf.VRF_DST);
    }

    /// What `register` asks for beside the public key.
    function possession(uint256 secret, ISequencerSet set, address sequencer)
        internal
        view
        returns (uint256[2] memory)
    {
        return sign(secret, set.possessionMessage(sequencer, publicKey(secret)), BlsVrf.POSSESSION_DST);
    }

    /// The message's point times the secret, any secret.
    function sign(uint256 secret, bytes memory message, bytes memory dst)
        internal
        view
        returns (uint256[2] memory signature)
    {
        uint256[2] memory hashed = BlsVrf.hashToCurve(message, dst);
        uint256[3] memory input = [hashed[0], hashed[1], secret];
        assembly ("memory-safe") {
            if iszero(staticcall(gas(), 7, input, 96, signature, 64)) { revert(0, 0) }
        }
    }

    function publicKey(uint256 secret) internal pure returns (uint256[4] memory) {
        if (secret == 1) {
            return [
                uint256(0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2),
                0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
                0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
                0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa
            ];
        }
        if (secret == 2) {
            return [
                uint256(0x203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79),
                0x27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9,
                0x195e8aa5b7827463722b8c153931579d3505566b4edf48d498e185f0509de152,
                0x04bb53b8977e5f92a0bc372742c4830944a59b4fe6b1c0466e2a6dad122b5d2e
            ];
        }
        if (secret == 3) {
            return [
                uint256(0x1014772f57bb9742735191cd5dcfe4ebbc04156b6878a0a7c9824f32ffb66e85),
                0x06064e784db10e9051e52826e192715e8d7e478cb09a5e0012defa0694fbc7f5,
                0x021e2335f3354bb7922ffcc2f38d3323dd9453ac49b55441452aeaca147711b2,
                0x058e1d5681b5b9e0074b0f9c8d2c68a069b920d74521e79765036d57666c5597
            ];
        }
        if (secret == 4) {
            return [
                uint256(0x290668479e567ad5a2485a93f976d784206f66f690a18c3f5a6d85c29571236f),
                0x29dddbf86f6a2f47c38063a850ccc442131570e5084c45fd7709b4ddb436e22c,
                0x1e74a4bf519c267a5b16431b2413b00402d4d3b670c9414b8efff5bee661a8f6,
                0x299f0af7f72b3a93ca7c3cc32443c83b05d041bd14276e5adca2546728bc37f7
            ];
        }
        if (secret == 5) {
            return [
                uint256(0x0a09ccf561b55fd99d1c1208dee1162457b57ac5af3759d50671e510e428b2a1),
                0x2e539c423b302d13f4e5773c603948eaf5db5df8ae8a9a9113708390a06410d8,
                0x19b763513924a736e4eebd0d78c91c1bc1d657fee4214057d21414011cfcc763,
                0x2f8d9f9ab83727c77a2fec063cb7b6e5eb23044ccf535ad49d46d394fb6f6bf6
            ];
        }
        if (secret == 6) {
            return [
                uint256(0x1b4b60273ae700a7e2ffc04e19e316074a5977c8da56b75675927e2eee23772e),
                0x1687f985433b446b85eb6d0a574fc152f681c032d27e6207569faca9c8329b96,
                0x1e7cf2fd8b4bc0d81e4719f009a5ecb7d925c970bc57889f3627d86629dc31d8,
                0x24fb6baf4cf6d7ca7eaa668cda36d088502b3587667b6eb8f2b874622575e586
            ];
        }
        if (secret == 7) {
            return [
                uint256(0x2903ba015a9abde26a5d081e84551e63be0fd4516e46ee6d593edeba46362455),
                0x224bdc5d4327fcf8ed702e01de1c2f1657a253ba75e32a89c390142aaa28b308,
                0x03c8b7cda6b2dedb7aeeaf5fda464ad17036bea1c4e6f7adbaed1ebe0335e0d8,
                0x1d92fff52a265017eeccb372e37d7a7bd431800eca28dfd82e21e8054114233f
            ];
        }
        if (secret == 8) {
            return [
                uint256(0x03589520df85791604b5a2b720a21139aabdb41949d47779484b0db588bfa699),
                0x18afc7fd8df1c902383c213b6d989f0066b7eca1388be49721792278984d9a29,
                0x2cc25982f4a3b75f57f8f3e966d75e6da8c51776bf0828c7ce3f10171793cd2a,
                0x17623e9e90176bcdf8454daa96008240b12709ca5d79de805744cfd137609bec
            ];
        }
        revert("no public key for this secret");
    }
}
