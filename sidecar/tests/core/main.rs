//! The pure core in made-up worlds, its records on disk, its configuration.

mod config;
mod scenarios;
mod simulation;
mod store;
mod world;
