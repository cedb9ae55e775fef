//! The bus and blob-store traits, the NATS JetStream adapter and the in-process adapter.
