//! A group's way on L1, event by event.

mod ladder;
mod lifecycle;
mod random;
mod samples;
