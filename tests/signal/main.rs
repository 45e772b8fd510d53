//! The signal room from the outside: messages in, snapshots and dots out.

mod properties;
mod recordings;
mod rig;
mod task;
