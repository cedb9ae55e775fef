//! Coordinator and workers in one process over the in-process bus.
