//! Spans of time and amounts of data, as short as people say them.

use jiff::Timestamp;

/// `4 s`, `3 min`, `2 h`, `5 d`: the largest unit that fits, rounded down. A negative span, which
/// a stepped clock gives, is `0 s`.
#[must_use]
pub fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    seconds_span(u64::try_from(seconds).unwrap_or_default())
}

/// See [`span`].
#[must_use]
pub fn seconds_span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
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
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
            (-5, "0 s"),
        ];
        for (seconds, text) in table {
            let to = Timestamp::from_second(seconds).unwrap();
            assert_eq!(span(Timestamp::UNIX_EPOCH, to), text);
        }
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
