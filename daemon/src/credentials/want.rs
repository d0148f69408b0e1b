//! What is asked of the vault: which credentials will do, and on whose word others are wanted.

use super::types::Generation;

/// Which credentials will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Those that are held; without any, the first.
    Any,
    /// Newer ones than these, because a person said `refresh`: now.
    Other(Generation),
    /// Newer ones than these, because the other side refuses them.
    Renewed(Refused),
    /// Newer ones than these, because nobody has answered for long where they lead.
    Unreached(Generation),
}

/// What the other side refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// This one, and what is older.
    pub generation: Generation,
    /// What it was good for.
    pub past: Past,
    /// Who came upon it.
    pub found_by: Asker,
}

/// What credentials that are refused were good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// They were taken before: somebody has changed something.
    Worked,
    /// They never were: others from the same source may be no better.
    New,
}

/// On whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody typed a command that needs them.
    Person,
    /// The daemon, by itself.
    Daemon,
}

impl Want {
    /// What a holder wants who rejects, was refused, or cannot reach anybody with these; the first
    /// of these reasons counts.
    #[must_use]
    pub fn of(
        rejected: Option<Generation>,
        refused: Option<Refused>,
        unreached: Option<Generation>,
    ) -> Self {
        match (rejected, refused, unreached) {
            (Some(generation), _, _) => Self::Other(generation),
            (None, Some(refused), _) => Self::Renewed(refused),
            (None, None, Some(generation)) => Self::Unreached(generation),
            (None, None, None) => Self::Any,
        }
    }

    /// What is not good enough, with all that is older.
    #[must_use]
    pub fn beyond(self) -> Option<Generation> {
        match self {
            Self::Any => None,
            Self::Other(generation)
            | Self::Unreached(generation)
            | Self::Renewed(Refused { generation, .. }) => Some(generation),
        }
    }
}
