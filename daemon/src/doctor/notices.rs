//! What the daemon did on its own and a person should hear of.

use borealis_proto::Check;

const NAME: &str = "notices";

/// A line a notice, or one that there is none.
pub(super) fn checks(notices: &[String]) -> Vec<Check> {
    if notices.is_empty() {
        return vec![Check::ok(NAME, "the daemon has nothing to report")];
    }
    let check = |text: &String| Check::warning(NAME, text).or_hint("borealisctl daemon logs");
    notices.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use borealis_proto::Verdict;

    use super::*;

    #[test]
    fn each_is_a_warning_of_its_own() {
        assert_eq!(
            checks(&[]).iter().map(|check| check.verdict).collect::<Vec<_>>(),
            [Verdict::Ok]
        );
        let two = checks(&["one".to_owned(), "two".to_owned()]);
        assert_eq!(two.len(), 2);
        assert!(two.iter().all(|check| check.verdict == Verdict::Warning && check.hint.is_some()));
    }
}
