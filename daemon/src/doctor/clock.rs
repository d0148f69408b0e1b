//! This machine's clock against the `Date` of the APIs' answers.

use borealis_proto::Check;
use jiff::SignedDuration;

const NAME: &str = "clock";

/// More than a slow answer and a clock that is set now and then amount to.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(60);

/// From here on tokens and certificates may be taken for expired, or for not valid yet.
const HARMFUL: SignedDuration = SignedDuration::from_mins(5);

const SET_IT: &str = if cfg!(target_os = "macos") {
    "set it: sudo sntp -sS time.apple.com"
} else if cfg!(windows) {
    "set it: w32tm /resync"
} else {
    "set it: sudo timedatectl set-ntp true"
};

/// By how much our clock is ahead of each API's. If they are not of one mind, one of them is wrong
/// and not we: the one that is nearest counts. Nothing where neither said what time it is.
pub(super) fn check(ahead: impl Iterator<Item = SignedDuration>) -> Option<Check> {
    let ahead = ahead.min_by_key(|ahead| ahead.abs())?;
    let off = ahead.abs();
    if off < NOTICEABLE {
        return Some(Check::ok(NAME, "this machine's clock agrees with the APIs'"));
    }
    let way = if ahead.is_positive() { "ahead" } else { "behind" };
    let message = format!("this machine's clock is {} {way}", span(off));
    let check = if off < HARMFUL { Check::warning } else { Check::problem };
    Some(check(NAME, message).or_hint(SET_IT))
}

fn span(off: SignedDuration) -> String {
    match off.as_secs() {
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds @ ..7200 => format!("{} minutes", seconds / 60),
        seconds @ ..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use borealis_proto::Verdict;

    use super::*;

    #[test]
    fn how_wrong_is_told_and_which_way() {
        let agrees = "this machine's clock agrees with the APIs'";
        let table = [
            (0, Verdict::Ok, agrees),
            (-59, Verdict::Ok, agrees),
            (90, Verdict::Warning, "this machine's clock is 90 seconds ahead"),
            (-240, Verdict::Warning, "this machine's clock is 4 minutes behind"),
            (7200, Verdict::Problem, "this machine's clock is 2 hours ahead"),
            (-864_000, Verdict::Problem, "this machine's clock is 10 days behind"),
        ];
        for (seconds, verdict, message) in table {
            let check = check([SignedDuration::from_secs(seconds)].into_iter()).unwrap();
            assert_eq!((check.verdict, check.message.as_str()), (verdict, message));
            assert_eq!(check.hint.is_some(), verdict != Verdict::Ok);
        }
    }

    #[test]
    fn of_two_that_differ_the_nearest_counts_and_without_any_nothing_is_said() {
        let both = [7200, -3].map(SignedDuration::from_secs);
        assert_eq!(check(both.into_iter()).unwrap().verdict, Verdict::Ok);
        assert_eq!(check(std::iter::empty()), None);
    }
}
