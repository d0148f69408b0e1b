//! What a supervisor has in hand: one future at a time, and what it brings.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};

use super::keyring::Successor;
use super::serving::SharedLink;
use super::traits::{ConnectError, LinkEnd};
use crate::credentials::SshCredentials;
use crate::fault::Failure;

/// What the future in hand brought.
pub(super) enum Outcome {
    Minted(Result<Arc<SshCredentials>, Failure>),
    Connected(Result<SharedLink, ConnectError>),
    Replaced(Successor),
    Ended(LinkEnd),
    Settled,
    Due,
}

/// Whichever is first; the other one is dropped.
pub(super) fn first_of(
    one: BoxFuture<'static, Outcome>,
    other: BoxFuture<'static, Outcome>,
) -> BoxFuture<'static, Outcome> {
    select(one, other)
        .map(|either| match either {
            Either::Left((outcome, _)) | Either::Right((outcome, _)) => outcome,
        })
        .boxed()
}
