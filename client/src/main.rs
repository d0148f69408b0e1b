//! The `borealisctl` program.

fn main() {}
