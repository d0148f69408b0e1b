//! The examples at the end of each `--help`: the quickest way to learn a command.

pub(super) const ALL: &str = "\
Examples:
  borealisctl up sushi/DATABASE        open a session; it stays, over sleep and reboots
  borealisctl psql sushi/DATABASE      psql on it
  borealisctl ls                       what is open, and where
  borealisctl down sushi/DATABASE      close it

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 daemon not reachable, 4 no such target or more than
one, 5 log in to Heroku first, 6 the service refuses, 7 port taken, 8 timed out.";

pub(super) const UP: &str = "\
Examples:
  borealisctl up sushi/DATABASE
  borealisctl up sushi/DATABASE --write-access --port 5433
  borealisctl up sushi/DATABASE ramen/ANALYTICS --timeout 2m
  borealisctl up -a sushi -o DATABASE --json";

pub(super) const DOWN: &str = "\
Examples:
  borealisctl down sushi/DATABASE
  borealisctl down sushi/DATABASE --write-access
  borealisctl down --all --drain 0";

pub(super) const LS: &str = "\
Examples:
  borealisctl ls
  borealisctl ls --json";

pub(super) const STATUS: &str = "\
Examples:
  borealisctl status
  borealisctl status sushi/DATABASE
  borealisctl status sushi/DATABASE --json
  borealisctl status --watch";

pub(super) const WAIT: &str = "\
Examples:
  borealisctl wait sushi/DATABASE
  borealisctl wait sushi/DATABASE --timeout 2m";

pub(super) const RECONNECT: &str = "\
Examples:
  borealisctl reconnect sushi/DATABASE";

pub(super) const REFRESH: &str = "\
Examples:
  borealisctl refresh sushi/DATABASE";

pub(super) const TUNNEL: &str = "\
Examples:
  borealisctl tunnel sushi/DATABASE
  borealisctl tunnel sushi/DATABASE --write-access --port 5432";

pub(super) const PSQL: &str = "\
Examples:
  borealisctl psql sushi/DATABASE
  borealisctl psql sushi/DATABASE --write-access
  borealisctl psql sushi -- -c 'select now()' --csv";

pub(super) const ENV: &str = "\
Examples:
  eval \"$(borealisctl env sushi/DATABASE)\"
  borealisctl env sushi/DATABASE --json";

pub(super) const URL: &str = "\
Examples:
  pg_dump \"$(borealisctl url sushi/DATABASE)\" > sushi.sql
  borealisctl url sushi/DATABASE --write-access";

pub(super) const DAEMON: &str = "\
Examples:
  borealisctl daemon status
  borealisctl daemon restart
  borealisctl daemon logs -f";

pub(super) const DAEMON_START: &str = "\
Examples:
  borealisctl daemon start";

pub(super) const DAEMON_STOP: &str = "\
Examples:
  borealisctl daemon stop";

pub(super) const DAEMON_RESTART: &str = "\
Examples:
  borealisctl daemon restart";

pub(super) const DAEMON_STATUS: &str = "\
Examples:
  borealisctl daemon status
  borealisctl daemon status --json";

pub(super) const DAEMON_LOGS: &str = "\
Examples:
  borealisctl daemon logs -n 20
  borealisctl daemon logs --follow";

pub(super) const COMPLETIONS: &str = "\
Examples:
  borealisctl completions bash > ~/.local/share/bash-completion/completions/borealisctl
  borealisctl completions zsh > \"${fpath[1]}/_borealisctl\"
  borealisctl completions fish > ~/.config/fish/completions/borealisctl.fish
  borealisctl completions elvish >> ~/.config/elvish/rc.elv
  borealisctl completions nushell > ~/.config/nushell/autoload/borealisctl.nu
  borealisctl completions powershell >> $PROFILE";
