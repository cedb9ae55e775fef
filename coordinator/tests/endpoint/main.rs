//! The HTTP endpoint over real connections: the farm behind it, signatures, bodies, events, its own description.

mod bodies;
mod desk;
mod document;
mod events;
mod farm;
mod operators;
mod page;
mod signed;
mod view;
