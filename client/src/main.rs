//! The `borealisctl` program: everything is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    borealis_client::main(std::env::args_os())
}
