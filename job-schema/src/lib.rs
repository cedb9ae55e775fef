//! What crosses the bus and its byte-capped codec.
