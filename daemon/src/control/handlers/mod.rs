//! One file for each thing that the API is about, one short function for each call.

pub(super) mod addons;
pub(super) mod credentials;
pub(super) mod daemon;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod hold;
pub(super) mod query;
pub(super) mod sessions;
