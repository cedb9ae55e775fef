//! Circuits, SRS, keys, a subtree's five rounds, root aggregation and the verifier.
