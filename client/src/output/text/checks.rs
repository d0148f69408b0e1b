//! `doctor`: a line a check, below one that is not well what to type next, and the sum of it.

use anstyle::{AnsiColor, Style};
use borealis_proto::{Check, Verdict};

use super::glance::indented;
use crate::output::Look;
use crate::output::human::Clock;

/// All checks as they came, then how many are not well.
#[must_use]
pub fn checks(checks: &[Check], clock: &Clock, look: Look) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let lines = checks.iter().flat_map(|check| lines(check, width, clock, look));
    lines.chain([summary(checks)]).map(|line| line + "\n").collect()
}

fn lines(check: &Check, width: usize, clock: &Clock, look: Look) -> Vec<String> {
    // An error may bring the end of a log along, on lines of its own.
    let (first, rest) = check.message.split_once('\n').unwrap_or((&check.message, ""));
    let rest = textwrap::dedent(rest);
    let mut lines = vec![headline(check, first, width, look)];
    let well = check.verdict == Verdict::Ok;
    let proof = check.proved_at.filter(|_| !well);
    let proof = proof.map(|at| format!("last proof: {}", clock.past(at)));
    let hint = check.hint.as_ref().map(|hint| format!("hint: {hint}"));
    let below = rest.lines().map(str::to_owned).chain(proof).chain(hint);
    lines.extend(below.map(|line| indented(&line, look)));
    lines
}

fn headline(check: &Check, message: &str, width: usize, look: Look) -> String {
    let Check { name, verdict, .. } = check;
    let style = if look.colour { style(*verdict) } else { Style::new() };
    format!("{style}{verdict:<7}{style:#}  {name:<width$}  {message}")
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => AnsiColor::Green.on_default(),
        Verdict::Warning => AnsiColor::Yellow.on_default(),
        Verdict::Problem => AnsiColor::Red.on_default().bold(),
        Verdict::Unknown => Style::new(),
    }
}

/// `2 problems, 1 warning`, or that there is none.
fn summary(checks: &[Check]) -> String {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let told = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    match (count(Verdict::Problem), count(Verdict::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("no problem, {}", told(warnings, "warning")),
        (problems, 0) => told(problems, "problem"),
        (problems, warnings) => {
            format!("{}, {}", told(problems, "problem"), told(warnings, "warning"))
        }
    }
}
