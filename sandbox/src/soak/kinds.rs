//! What may go wrong, one row a kind. A new kind of fault is a new row.

use super::stand::Target;
use crate::fault::{Fault, Power, Rotate};
use Trait::{Alone, Credentials, Deadly, Person};

/// A kind of fault.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// How long it lasts, from and to, in milliseconds.
    pub(super) hold: [u64; 2],
    /// Within how many seconds of its end every session must have served a psql.
    pub(super) limit: u64,
    pub(super) traits: &'static [Trait],
    pub(super) begin: &'static [Step],
    pub(super) end: &'static [Step],
}

/// What must be known of a kind to make a schedule of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// The daemon ends. What it holds can be compared only between two of these.
    Deadly,
    /// Credentials of one add-on end, so new ones are asked for.
    Credentials,
    /// A person has to help when it is over.
    Person,
    /// No other fault can be made meanwhile.
    Alone,
}

/// Something that is done to the world.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The sandbox does it, to all add-ons.
    World(fn() -> Fault),
    /// The sandbox does it, to the episode's add-on.
    Addon(fn(String) -> Fault),
    /// `borealisctl` with the episode's target.
    Command(&'static str),
    /// `borealisctl daemon restart`.
    Restart,
    /// SIGKILL to the daemon. The next command starts another.
    Kill,
}

/// What an episode is about, where its kind leaves that open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) addon: &'static str,
    pub(super) target: Target,
}

/// The command that asks for new credentials.
pub(super) const REFRESH: &str = "refresh";
/// No call that is made meanwhile passes.
const ALL: u32 = 1_000_000;

const CUT: Step = Step::World(|| Fault::Cut);
const RESUME: Step = Step::World(|| Fault::Resume);
const NEW_KEY: Step = Step::Addon(|addon| Fault::Rotate { what: Rotate::Ssh, addon: Some(addon) });

/// The calls that hand out credentials of an add-on.
fn mints(addon: &str) -> String {
    format!("/{addon}/personal-")
}

fn refusing(code: u16, path: &str, retry_after: Option<u64>) -> Fault {
    Fault::Status { code, times: ALL, path: Some(path.to_owned()), retry_after }
}

/// All of them.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "cut", hold: [0, 0], limit: 15, traits: &[], begin: &[CUT], end: &[] },
    Kind {
        name: "stall",
        hold: [500, 5_000],
        limit: 20,
        traits: &[],
        begin: &[Step::World(|| Fault::Stall)],
        end: &[RESUME],
    },
    Kind {
        name: "silence",
        hold: [16_000, 25_000],
        limit: 20,
        traits: &[],
        begin: &[Step::World(|| Fault::Stall)],
        end: &[RESUME],
    },
    Kind {
        name: "delay-80",
        hold: [1_000, 5_000],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Delay { ms: 80 })],
        end: &[RESUME],
    },
    Kind {
        name: "delay-300",
        hold: [1_000, 5_000],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Delay { ms: 300 })],
        end: &[RESUME],
    },
    Kind {
        name: "refuse",
        hold: [500, 6_000],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Refuse), CUT],
        end: &[RESUME],
    },
    Kind {
        name: "refuse-new",
        hold: [500, 6_000],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Refuse)],
        end: &[RESUME],
    },
    Kind {
        name: "sshd-restart",
        hold: [0, 0],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Sshd { power: Power::Restart })],
        end: &[],
    },
    Kind {
        name: "sshd-stop",
        hold: [500, 8_000],
        limit: 15,
        traits: &[],
        begin: &[Step::World(|| Fault::Sshd { power: Power::Stop })],
        end: &[Step::World(|| Fault::Sshd { power: Power::Start })],
    },
    Kind {
        name: "postgres-restart",
        hold: [0, 0],
        limit: 15,
        traits: &[Alone],
        begin: &[Step::World(|| Fault::Postgres { power: Power::Restart })],
        end: &[],
    },
    Kind {
        name: "postgres-stop",
        hold: [500, 8_000],
        limit: 15,
        traits: &[Alone],
        begin: &[Step::World(|| Fault::Postgres { power: Power::Stop })],
        end: &[Step::World(|| Fault::Postgres { power: Power::Start })],
    },
    Kind {
        name: "rotate-db",
        hold: [0, 2_000],
        limit: 15,
        traits: &[Credentials],
        begin: &[Step::Addon(|addon| Fault::Rotate { what: Rotate::Db, addon: Some(addon) })],
        end: &[],
    },
    Kind {
        name: "rotate-ssh",
        hold: [0, 2_000],
        limit: 15,
        traits: &[Credentials],
        begin: &[NEW_KEY, CUT],
        end: &[],
    },
    Kind {
        name: "users-reset",
        hold: [0, 2_000],
        limit: 15,
        traits: &[Credentials],
        begin: &[Step::Addon(|addon| Fault::ResetUsers { addon: Some(addon) })],
        end: &[],
    },
    Kind {
        name: "host-key",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Person],
        begin: &[Step::World(|| Fault::HostKey { announce: false }), CUT],
        end: &[Step::World(|| Fault::HostKey { announce: true })],
    },
    Kind {
        name: "api-401",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::World(|| refusing(401, "/oauth/authorizations", None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-403",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::Addon(|addon| refusing(403, &mints(&addon), None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-404",
        hold: [500, 6_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::Addon(|addon| refusing(404, &mints(&addon), None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-422",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::Addon(|addon| refusing(422, &mints(&addon), None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-423",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::Addon(|addon| refusing(423, &mints(&addon), None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-429",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials],
        begin: &[Step::Addon(|addon| refusing(429, &mints(&addon), Some(2))), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-503",
        hold: [500, 6_000],
        limit: 40,
        traits: &[Credentials],
        begin: &[Step::World(|| refusing(503, "/", None)), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "api-hang",
        hold: [500, 3_000],
        limit: 60,
        traits: &[Credentials],
        begin: &[
            Step::Addon(|addon| Fault::Hang { times: ALL, path: Some(mints(&addon)) }),
            NEW_KEY,
            CUT,
        ],
        end: &[RESUME],
    },
    Kind {
        name: "two-factor",
        hold: [500, 4_000],
        limit: 30,
        traits: &[Credentials, Person],
        begin: &[Step::World(|| Fault::TwoFactor { code: "123456".to_owned() }), NEW_KEY, CUT],
        end: &[RESUME],
    },
    Kind {
        name: "reconnect",
        hold: [0, 0],
        limit: 15,
        traits: &[],
        begin: &[Step::Command("reconnect")],
        end: &[],
    },
    Kind {
        name: "refresh",
        hold: [0, 0],
        limit: 15,
        traits: &[],
        begin: &[Step::Command(REFRESH)],
        end: &[],
    },
    Kind {
        name: "daemon-restart",
        hold: [0, 0],
        limit: 20,
        traits: &[Deadly],
        begin: &[Step::Restart],
        end: &[],
    },
    Kind {
        name: "daemon-kill",
        hold: [0, 500],
        limit: 20,
        traits: &[Deadly],
        begin: &[Step::Kill],
        end: &[],
    },
];

impl Kind {
    pub(super) fn is(&self, one: Trait) -> bool {
        self.traits.contains(&one)
    }
}

/// Without what it does, which its name says.
impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_one_kinds() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }

    /// What is not undone would still be there when the session must serve again.
    #[test]
    fn what_lasts_is_ended() {
        let is_over = |fault: &Fault| {
            matches!(
                fault,
                Fault::Cut
                    | Fault::Rotate { .. }
                    | Fault::ResetUsers { .. }
                    | Fault::Sshd { power: Power::Restart }
                    | Fault::Postgres { power: Power::Restart }
            )
        };
        let lasting = |step: &&Step| match step {
            Step::World(make) => !is_over(&make()),
            Step::Addon(make) => !is_over(&make("borealis-pg-hex-12345".to_owned())),
            Step::Command(_) | Step::Restart | Step::Kill => false,
        };
        for kind in KINDS {
            assert_eq!(
                kind.begin.iter().any(|step| lasting(&step)),
                !kind.end.is_empty(),
                "{kind:?}"
            );
        }
    }
}
