//! One suite for both adapters: what the farm relies on holds in one process and over a real NATS server.

#[path = "../common/mod.rs"]
mod common;

mod adapters;
mod blobs;
mod commands;
mod messages;
mod samples;
#[path = "../common/users.rs"]
mod users;

/// Runs every case with an adapter.
macro_rules! conformance {
    ($adapter:ident: $($module:ident::$case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::$module::$case::<crate::adapters::$adapter>().await;
            }
        )+
    };
}

macro_rules! all_cases {
    ($name:ident, $adapter:ident) => {
        mod $name {
            conformance!(
                $adapter: commands::is_delivered_once_and_acknowledged,
                commands::nak_redelivers_at_once,
                commands::redelivered_after_the_wait,
                commands::progress_extends_the_wait,
                commands::own_commands_reach_their_worker_only,
                commands::pool_credit_is_kept,
                commands::two_workers_share_the_pool,
                commands::a_worker_that_leaves_takes_nothing_along,
                commands::nothing_is_lost_by_a_dropped_receive,
                commands::given_up_after_too_many_deliveries,
                commands::withdrawn_commands_do_not_come,
                commands::a_full_queue_refuses,
                commands::malformed_commands_are_dropped,
                messages::replies_wait_for_the_coordinator,
                messages::a_fresh_coordinator_forgets,
                messages::heartbeats_are_not_stored,
                messages::unacknowledged_replies_come_again,
                messages::malformed_messages_are_dropped,
                messages::unwritable_messages_are_refused,
                blobs::stored_and_fetched,
                blobs::wrong_content_is_refused,
                blobs::caps_are_kept,
                blobs::a_full_store_refuses,
            );
        }
    };
}

all_cases!(in_process, InProcess);
all_cases!(nats, Nats);
all_cases!(nats_with_users, NatsWithUsers);
