//! `doctor`: what is well and what is not, with what to type next. The client looks at what is
//! around it, the daemon at what only it can reach; a daemon that does not answer is a finding like
//! any other.

mod around;
mod daemon;
mod psql;
mod socket;

use borealis_proto::{Check, Verdict};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::exit::Code;
use crate::output::human::Clock;
use crate::output::{self, Look, spinner, text};
use crate::{Context, Error};

/// `doctor --json`. Fields are only ever added.
#[derive(Serialize)]
struct Shown<'a> {
    problems: usize,
    warnings: usize,
    checks: &'a [Check],
}

pub(super) async fn run(context: &Context, args: &DoctorArgs) -> Result<Code, Error> {
    let (key, api) = around::key(&context.paths.socket)?;
    let looking = async { tokio::join!(psql::check(), daemon::checks(context, &api)) };
    let (psql, daemon) = spinner::during("looking at everything", looking).await;
    let around = [around::settings(), around::service(context), psql, key];
    report(&around.into_iter().chain(daemon).collect::<Vec<_>>(), args)
}

/// The settings are wrong: where the daemon is, nobody knows, and it would not start with them.
pub(super) async fn without_settings(error: &Error, args: &DoctorArgs) -> Result<Code, Error> {
    report(&[around::wrong_settings(error), psql::check().await], args)
}

fn report(checks: &[Check], args: &DoctorArgs) -> Result<Code, Error> {
    if args.json {
        let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
        let (problems, warnings) = (count(Verdict::Problem), count(Verdict::Warning));
        output::json(&Shown { problems, warnings, checks })?;
    } else {
        let clock = Clock::at(Timestamp::now(), TimeZone::system());
        output::print(&text::checks(checks, &clock, Look::of_stdout()))?;
    }
    Ok(Code::of_checks(checks))
}
