//! `borealisctl` as it is on macOS, on any Unix system: launchd looks after the daemon. For tests
//! that put a stand-in for `launchctl` on the PATH; all else is the program itself.

use std::process::ExitCode;

use borealis_client::start::manager::{Launchd, ServiceManager};

fn main() -> ExitCode {
    borealis_client::main_with(std::env::args_os(), |state_dir| {
        Launchd::of_user(state_dir).map(ServiceManager::Launchd)
    })
}
