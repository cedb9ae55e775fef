//! Artifacts and calldata of the Solidity contracts; feature evm runs the bytecode.
