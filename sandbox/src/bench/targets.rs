//! What the product wants to be, beside its peers. A ratio of ours to theirs each.

use super::report::Better;
use super::stats::Ratio;
use super::way::Way;

/// One bound.
#[derive(Debug)]
pub(super) struct Target {
    /// The series' name; without `against`, a comparison's.
    pub(super) series: &'static str,
    pub(super) against: Option<Way>,
    pub(super) better: Better,
    pub(super) bound: f64,
}

impl Target {
    pub(super) fn is_met(&self, measured: Ratio) -> bool {
        match self.better {
            Better::Higher => measured.median >= self.bound,
            Better::Lower => measured.median <= self.bound,
        }
    }
}

const fn higher(series: &'static str, against: Way, bound: f64) -> Target {
    Target { series, against: Some(against), better: Better::Higher, bound }
}

const fn lower(series: &'static str, against: Way, bound: f64) -> Target {
    Target { series, against: Some(against), better: Better::Lower, bound }
}

pub(super) const TARGETS: &[Target] = &[
    higher("bulk up, 1 conn.", Way::Ssh, 1.9),
    higher("bulk up, 1 conn.", Way::SshGcm, 1.1),
    higher("bulk down, 1 conn.", Way::Ssh, 1.5),
    higher("bulk down, 1 conn.", Way::SshGcm, 1.0),
    higher("COPY through psql", Way::Ssh, 1.6),
    higher("COPY through psql", Way::Direct, 0.85),
    lower("CPU, bulk down, 1 conn.", Way::Ssh, 0.5),
    lower("CPU, bulk down, 1 conn.", Way::SshGcm, 0.95),
    lower("CPU, bulk up, 1 conn.", Way::Ssh, 0.5),
    lower("CPU, bulk up, 1 conn.", Way::SshGcm, 0.95),
    higher("pgbench -S c1", Way::Ssh, 1.0),
    higher("pgbench -S c8", Way::Ssh, 1.1),
    higher("pgbench -S c32", Way::Ssh, 1.0),
    higher("pgbench -S c8, a connection each", Way::Ssh, 5.0),
    higher("pgbench -S c8, a connection each", Way::Direct, 0.85),
    higher("pgbench -S c1, a connection each", Way::Ssh, 1.0),
    higher("pgbench -S c1, a connection each", Way::Direct, 0.8),
    lower("small query beside a COPY, p50", Way::Ssh, 1.0 / 8.0),
    lower("small query beside a COPY, p99", Way::Ssh, 1.0 / 3.0),
    higher("80 ms: down", Way::Ssh, 3.5),
    higher("80 ms: up", Way::Ssh, 1.8),
    lower("80 ms: psql -c, standing tunnel", Way::Ssh, 1.0),
    lower("100 idle tunnels, anonymous memory", Way::Ssh, 1.0 / 15.0),
    Target { series: "run -d against psql -c", against: None, better: Better::Lower, bound: 1.3 },
    Target {
        series: "beside a stopped reader against alone, p50",
        against: None,
        better: Better::Lower,
        bound: 1.2,
    },
];
