//! As much of Postgres' protocol as a tunnel needs, and no more: whether a local client speaks it
//! ([`read_first`]), how to turn one away in words that it shows to its user ([`refuse`]), how to
//! know that Postgres answers at the other end ([`SSL_REQUEST`]), and queries of our own
//! ([`query`]). What clients and Postgres say to each other after that is not looked at.

mod proof;
pub mod query;
mod refusal;
mod startup;

pub use proof::{SSL_REQUEST, is_proof};
pub use refusal::{Refusal, RefusalKind, refuse};
pub use startup::{First, FirstError, FirstKind, read_first};
