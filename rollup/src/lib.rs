//! State tree, transfers, blocks, executor, the transfer circuit and its witness.
