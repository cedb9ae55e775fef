//! The HTTP endpoint's types and client.
