//! The deployed NATS configuration on real servers: three nodes with the very files of deploy/k8s/base/nats, every role under its
//! own user. What a role needs works, what it must not do is refused; with the files of the component tls, over TLS only.

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod cluster;
mod forbidden;
mod roles;
mod tls;
#[path = "../common/users.rs"]
mod users;
