//! What can be typed after `borealisd`. Little: people talk to it through `borealisctl`.

use clap::Parser;

/// Keeps SSH tunnels to Borealis Isolated Postgres add-ons open.
///
/// One daemon serves one user. It stays in the foreground, and logs to the journal under systemd,
/// to the terminal when there is one, else to a file in its state directory.
#[derive(Debug, Parser)]
#[command(name = "borealisd", version, after_help = SETTINGS)]
pub(crate) struct Cli {}

const SETTINGS: &str = "\
Settings (environment, or config.toml in the user's config directory):
  BOREALIS_CONFIG           the settings file
  BOREALIS_SOCKET           the control socket
  BOREALIS_STATE_DIR        state file, lock and log
  BOREALIS_LOG              log filter: error, warn, info (default), debug, trace
  HEROKU_HOST               Heroku's host, or a whole URL
  BOREALIS_PG_API_BASE_URL  base URL of the Borealis API

Exit codes: 0 stopped, or another daemon serves already; 1 failed; 2 wrong usage or settings";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
