//! The committed build of the contracts.
//!
//! `contracts/artifacts` holds what the pinned compiler makes of `contracts/src`; a test builds it again and compares.
//! `cargo run --release -p proofyard-contracts --example update_artifact` writes it after a change.

use serde::{Deserialize, Serialize};
use thiserror::Error;

macro_rules! contracts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A contract that is deployed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Contract {
            $($(#[$doc])* $name,)*
        }

        impl Contract {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in Solidity, and that of its file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            fn committed(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("../artifacts/", stringify!($name), ".json")),)*
                }
            }
        }
    };
}

contracts! {
    /// The strategy with a committed prover and its deposit.
    BondedStrategy,
    /// A token for development chains.
    DevToken,
    /// The strategy in which anyone proves.
    MultiproofStrategy,
    /// The commitment phase.
    ProverCommitment,
    /// The provers' deposits.
    ProverEscrow,
    /// The life of a block.
    ProvingSidecar,
    /// The rewards.
    RewardPool,
    /// The verifier of one size class.
    RootProofVerifier,
    /// The sequencers and their VRF keys.
    SequencerSet,
    /// The versions of the rules.
    VersionRegistry,
}

impl Contract {
    /// The committed build.
    pub fn artifact(self) -> Artifact {
        serde_json::from_str(self.committed()).expect("the committed artifacts are read by this crate's tests")
    }
}

/// A compiled contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Name of the contract.
    pub contract: String,
    /// Version of the compiler.
    pub compiler: String,
    /// Version of the EVM the code is for; older ones lack opcodes it uses.
    pub evm_version: String,
    /// Bytes of the deployed code; the limit is 24,576.
    pub runtime_bytes: usize,
    /// The creation code, without the constructor's arguments.
    #[serde(with = "prefixed_hex")]
    pub bytecode: Vec<u8>,
}

/// A build output that is not understood.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// Not JSON, or not with the fields that forge writes.
    #[error("[PY-C-011] contracts/out: unreadable build output ({0}); run `forge build` of the pinned version again")]
    Json(#[from] serde_json::Error),
    /// Code that is not hexadecimal: libraries are not linked.
    #[error("[PY-C-012] contracts/out: the {0} is not plain hexadecimal; contracts must not link libraries")]
    Code(&'static str),
}

impl Artifact {
    /// Reads what forge writes below `contracts/out`.
    pub fn from_forge(output: &str) -> Result<Self, ArtifactError> {
        let output: ForgeOutput = serde_json::from_str(output)?;
        let settings = output.metadata.settings;
        let contract = settings.compilation_target.into_values().next().unwrap_or_default();
        let runtime = decode(&output.deployed_bytecode.object).ok_or(ArtifactError::Code("runtime code"))?;
        let bytecode = decode(&output.bytecode.object).ok_or(ArtifactError::Code("creation code"))?;
        Ok(Self {
            contract,
            compiler: output.metadata.compiler.version,
            evm_version: settings.evm_version,
            runtime_bytes: runtime.len(),
            bytecode,
        })
    }

    /// The text of the committed file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and numbers always serialise") + "\n"
    }
}

#[derive(Deserialize)]
struct ForgeOutput {
    bytecode: Code,
    #[serde(rename = "deployedBytecode")]
    deployed_bytecode: Code,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Code {
    object: String,
}

#[derive(Deserialize)]
struct Metadata {
    compiler: Compiler,
    settings: Settings,
}

#[derive(Deserialize)]
struct Compiler {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    evm_version: String,
    compilation_target: std::collections::BTreeMap<String, String>,
}

fn decode(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

mod prefixed_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::decode(&text).ok_or_else(|| D::Error::custom("not 0x-prefixed hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_artifacts_fit_a_contract() {
        for &contract in Contract::ALL {
            let artifact = contract.artifact();
            assert_eq!(artifact.contract, contract.name());
            assert!(artifact.runtime_bytes <= 24_576 && artifact.runtime_bytes < artifact.bytecode.len());
            assert_eq!(artifact.to_json(), contract.committed());
        }
    }

    #[test]
    fn strange_build_output_is_refused() {
        assert!(matches!(Artifact::from_forge("{}"), Err(ArtifactError::Json(_))));
        let unlinked = r#"{"bytecode":{"object":"0x60__$x$__"},"deployedBytecode":{"object":"0x"},
            "metadata":{"compiler":{"version":"1"},"settings":{"evmVersion":"osaka","compilationTarget":{}}}}"#;
        assert!(matches!(Artifact::from_forge(unlinked), Err(ArtifactError::Code("creation code"))));
    }
}
