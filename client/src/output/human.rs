//! Moments, spans of time and amounts of data, as people say them.

use jiff::{Timestamp, tz::TimeZone};

/// How moments are told.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// None where the text stays on the screen: "4 seconds ago" would be wrong in a moment.
    now: Option<Timestamp>,
}

impl Clock {
    /// For text that is read now.
    #[must_use]
    pub fn at(now: Timestamp, zone: TimeZone) -> Self {
        Self { zone, now: Some(now) }
    }

    /// For text that stays.
    #[must_use]
    pub fn still(zone: TimeZone) -> Self {
        Self { zone, now: None }
    }

    /// The same, for text that stays or lies ahead.
    #[must_use]
    pub fn standing(&self) -> Self {
        Self::still(self.zone.clone())
    }

    /// `2026-11-22 09:14:03 (3 hours ago)`
    #[must_use]
    pub fn past(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone()).strftime("%F %T");
        match self.now {
            Some(now) => format!("{local} ({} ago)", span(at, now)),
            None => local.to_string(),
        }
    }

    /// `in 13 seconds`, or `at 12:26:25`.
    #[must_use]
    pub fn future(&self, at: Timestamp) -> String {
        match self.now {
            Some(now) => format!("in {}", span(now, at)),
            None => format!("at {}", at.to_zoned(self.zone.clone()).strftime("%T")),
        }
    }
}

/// `4 seconds`, `3 minutes`, `2 hours`, `5 days`: the largest unit that fits, rounded down. A
/// negative span, which a stepped clock gives, is `0 seconds`.
#[must_use]
pub fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    seconds_span(u64::try_from(seconds).unwrap_or_default())
}

/// See [`span`].
#[must_use]
pub fn seconds_span(seconds: u64) -> String {
    let (amount, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{amount} {unit}{plural}")
}

/// `512 B`, `10.0 KiB`, `1.5 GiB`.
#[must_use]
pub fn bytes(amount: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if amount < 1024 {
        return format!("{amount} B");
    }
    // Tenths in whole numbers: nothing here needs a float.
    let mut tenths = u128::from(amount) * 10;
    let mut unit = "";
    for next in UNITS {
        tenths /= 1024;
        unit = next;
        if tenths < 10_240 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let table = [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (3599, "59 minutes"),
            (3600, "1 hour"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (-5, "0 seconds"),
        ];
        for (seconds, text) in table {
            let to = Timestamp::from_second(seconds).unwrap();
            assert_eq!(span(Timestamp::UNIX_EPOCH, to), text);
        }
    }

    #[test]
    fn what_stays_on_the_screen_has_no_age() {
        let at: Timestamp = "2026-11-22T09:14:03Z".parse().unwrap();
        let now = "2026-11-22T12:14:03Z".parse().unwrap();
        let (moving, still) = (Clock::at(now, TimeZone::UTC), Clock::still(TimeZone::UTC));
        assert_eq!(moving.past(at), "2026-11-22 09:14:03 (3 hours ago)");
        assert_eq!(still.past(at), "2026-11-22 09:14:03");
        assert_eq!(Clock::at(at, TimeZone::UTC).future(now), "in 3 hours");
        assert_eq!(still.future(now), "at 12:14:03");
    }

    #[test]
    fn amounts() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (990_211, "967.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_048_576, "1.0 MiB"),
            (u64::MAX, "16383.9 PiB"),
        ];
        for (amount, text) in table {
            assert_eq!(bytes(amount), text, "{amount}");
        }
    }
}
