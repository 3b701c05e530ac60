//! What must hold whatever goes wrong: no request is forwarded without a verdict, each gets exactly one answer, the
//! VM never traps, nothing stays paused. Driven on the built module, with a fault at every hostcall.

mod disconnects;
mod endings;
mod every_fault;
mod memory;
mod pushes;
mod random_worlds;
mod store_faults;
mod trailers;
mod waiting;
mod workers;
mod worlds;
