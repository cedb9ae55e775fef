//! The ledger on a real file: its promises one by one, under threads, and under SIGKILL at every write.

mod blocks;
mod crash;
mod opening;
mod quotes;
mod races;
mod samples;
mod transactions;
