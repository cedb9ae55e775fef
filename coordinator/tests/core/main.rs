//! The pure core: dispatch, hedging, replay, lies, draining, and a thousand random worlds.

mod bench;
mod drain;
mod duplicate_reply_differs;
mod liar_named;
mod replay_after_session_loss;
mod simulation;
mod single_worker_many_subtrees;
mod stale_reply_ignored;
mod straggler_hedged;
mod worker_killed;
