//! Medians, and ratios of what was measured in the same turn.

/// The middle one; of an even number, the lower of the two.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The smallest value that at least this part of all does not exceed.
pub(super) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a few thousand values"
    )]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// A ratio over all turns.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(super) struct Ratio {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// Turn by turn, the first against the second.
pub(super) fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Ratio> {
    let each: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    Some(Ratio {
        median: median(&each)?,
        least: each.iter().copied().min_by(f64::total_cmp)?,
        most: each.iter().copied().max_by(f64::total_cmp)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_tail() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(median(&values), Some(50.0));
        assert_eq!(quantile(&values, 0.99), Some(99.0));
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn ratios_are_of_one_turn() {
        // The machine was twice as fast in the second turn; the ratio does not see it.
        let ratio = ratio(&[10.0, 20.0, 30.0], &[5.0, 10.0, 10.0]).unwrap();
        assert_eq!(ratio, Ratio { median: 2.0, least: 2.0, most: 3.0 });
    }
}
