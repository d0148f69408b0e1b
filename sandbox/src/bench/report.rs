//! What was measured, as JSON and as tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::stats::{Ratio, median, ratio};
use super::targets::{TARGETS, Target};
use super::way::Way;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Better {
    Higher,
    Lower,
}

/// One thing, measured over and over on each way, in turns.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) better: Better,
    pub(super) values: BTreeMap<Way, Vec<f64>>,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    /// `debug` figures say nothing about the product.
    profile: &'static str,
    rounds: u16,
    processors: usize,
    series: Vec<Series>,
    comparisons: Vec<Comparison>,
}

/// Two series of ours.
#[derive(Debug, Serialize)]
struct Comparison {
    name: String,
    ratio: Ratio,
}

impl Series {
    pub(super) fn new(name: &str, unit: &'static str, better: Better) -> Self {
        Self { name: name.to_owned(), unit, better, values: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, way: Way, value: f64) {
        self.values.entry(way).or_default().push(value);
    }

    pub(super) fn median(&self, way: Way) -> Option<f64> {
        median(self.values.get(&way)?)
    }

    /// Ours against another way's.
    pub(super) fn against(&self, other: Way) -> Option<Ratio> {
        ratio(self.values.get(&Way::Ours)?, self.values.get(&other)?)
    }
}

impl Report {
    pub(super) fn new(rounds: u16) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            rounds,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            series: Vec::new(),
            comparisons: Vec::new(),
        }
    }

    /// Tells of it at once, for whoever waits.
    pub(super) fn add(&mut self, series: Series) {
        let medians: Vec<String> = Way::ALL
            .into_iter()
            .filter_map(|way| Some(format!("{} {}", way.name(), figure(series.median(way)?))))
            .collect();
        tracing::info!("{} ({}): {}", series.name, series.unit, medians.join(", "));
        self.series.push(series);
    }

    /// One of our ways of doing a thing against another.
    pub(super) fn compare(&mut self, name: &str, one: &Series, other: &Series) {
        let values = |series: &Series| series.values.get(&Way::Ours).cloned().unwrap_or_default();
        if let Some(ratio) = ratio(&values(one), &values(other)) {
            self.comparisons.push(Comparison { name: name.to_owned(), ratio });
        }
    }

    pub(super) fn series(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    /// Two tables: what was measured, and how it stands against what is wanted.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "borealisd {}, {} build, {} processors, {} rounds.\n\n",
            self.version, self.profile, self.processors, self.rounds
        );
        text.push_str("| measure | unit |");
        for way in Way::ALL {
            // Cannot fail: it is a string.
            let _ = write!(text, " {} |", way.name());
        }
        text.push_str("\n|---|---|---|---|---|---|\n");
        for series in &self.series {
            let _ = write!(text, "| {} | {} |", series.name, series.unit);
            for way in Way::ALL {
                let shown = series.median(way).map_or_else(|| "–".to_owned(), figure);
                let _ = write!(text, " {shown} |");
            }
            text.push('\n');
        }
        text.push_str("\n| wanted | bound | measured (least to most) | |\n|---|---|---|---|\n");
        for target in TARGETS {
            if let Some(line) = self.verdict(target) {
                text.push_str(&line);
            }
        }
        text
    }

    fn verdict(&self, target: &Target) -> Option<String> {
        let measured = match target.against {
            Some(way) => self.series(target.series)?.against(way)?,
            None => self.comparisons.iter().find(|one| one.name == target.series)?.ratio,
        };
        let sign = match target.better {
            Better::Higher => "≥",
            Better::Lower => "≤",
        };
        let met = if target.is_met(measured) { "yes" } else { "**no**" };
        let against = target.against.map_or("", Way::name);
        Some(format!(
            "| {} / {against} | {sign} {} | {} ({} to {}) | {met} |\n",
            target.series,
            figure(target.bound),
            figure(measured.median),
            figure(measured.least),
            figure(measured.most),
        ))
    }
}

/// Three digits that count.
pub(super) fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reached_is_said() {
        let mut report = Report::new(2);
        let mut slow = Series::new("bulk down, 1 conn.", "MiB/s", Better::Higher);
        for (way, values) in [(Way::Ssh, [100.0, 200.0]), (Way::Ours, [110.0, 230.0])] {
            values.into_iter().for_each(|value| slow.add(way, value));
        }
        report.add(slow);
        let text = report.markdown();
        let line = "| bulk down, 1 conn. / ssh -L | ≥ 1.50 | 1.10 (1.10 to 1.15) | **no** |";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("| bulk down, 1 conn. | MiB/s | – | 100 | – | 110 |"), "{text}");
    }
}
