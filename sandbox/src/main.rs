//! The `borealis-sandbox` program.

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    borealis_sandbox::run()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    // Its servers, and the way they are looked after, are those of Unix.
    ExitCode::FAILURE
}
