//! Durations as people type them: `30s`, `500ms`, `2m`; a bare number is seconds.

use std::time::Duration;

use jiff::SignedDuration;

/// The daemon waits no longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// For clap's `value_parser`, where it is the daemon that waits.
///
/// # Errors
/// When the text is not a duration, or one that is negative or longer than a day.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let duration = unbounded(text)?;
    match duration <= LONGEST {
        true => Ok(duration),
        false => Err(format!("{text:?} is too long: 24h is the most, 30s is usual")),
    }
}

/// The same where it is we who wait.
///
/// # Errors
/// When the text is not a duration, or a negative one.
pub(super) fn unbounded(text: &str) -> Result<Duration, String> {
    typed(text).ok_or_else(|| format!("{text:?} is not a duration: type 30s, 500ms or 2m"))
}

fn typed(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    Duration::try_from(text.parse::<SignedDuration>().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let table = [
            ("30s", 30_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("15", 15_000),
            ("24h", 86_400_000),
            ("0", 0),
        ];
        for (text, millis) in table {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "soon", "-5s", "5 parsecs", "1.2.3", "99999999999999999999", "25h"] {
            let complaint = parse(text).unwrap_err();
            assert!(complaint.contains("30s"), "{text}: {complaint}");
        }
    }
}
