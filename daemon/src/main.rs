//! The `borealisd` program.

fn main() {}
