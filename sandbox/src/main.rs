//! The `borealis-sandbox` program.

fn main() {}
