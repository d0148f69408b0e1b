//! `env`: a session's credentials as variables, to be evaluated by a POSIX shell.

use std::collections::BTreeMap;

use super::connect;
use crate::cli::ConnectArgs;
use crate::exit::Code;
use crate::{Context, Error, conninfo, output};

pub(super) async fn run(context: &Context, args: ConnectArgs) -> Result<Code, Error> {
    let (_session, credentials) = connect::credentials(context, &args).await?;
    let variables = conninfo::environment(&credentials);
    if args.json {
        output::json(&variables.into_iter().collect::<BTreeMap<_, _>>())?;
    } else {
        let away = conninfo::misleading(|name| std::env::var(name).ok());
        let away: String = away.iter().map(|name| format!("unset {name}\n")).collect();
        let line = |(name, value): &(&str, String)| format!("export {name}={}\n", quoted(value));
        output::print(&variables.iter().map(line).fold(away, |text, line| text + &line))?;
    }
    Ok(Code::DONE)
}

/// Between single quotes a shell reads everything as it is, but for the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for value in ["plain", "it's $HOME `id` \"x\" \\ ", "a\nb", ""] {
            let script = format!("printf %s {}", quoted(value));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
