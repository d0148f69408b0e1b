//! The link: russh behind the tunnel's traits, hardened where its defaults are not ours.
//!
//! * **Identity.** The service announces the host key; only its type is negotiated, only that exact
//!   blob is accepted, and nothing but key exchange is sent to a server that shows another
//!   (`pin`).
//! * **Time.** russh bounds nothing. Every step of a connect has a named limit (`config`), and the
//!   socket is ours, so that an attempt that is dropped takes its connection with it (`socket`).
//! * **Endings.** russh makes a dead session look like a clean end of file. Here an ending is a fact
//!   that is declared once, with its reason, and everybody races against it (`state`).
//! * **Channels.** A channel ends when both of its halves are gone, whoever dropped them and
//!   whenever the server confirms it (`channel`); by the server if it can be, because russh keeps
//!   something of each that we close (`parting`).
//! * **Silence.** A server that does not answer while somebody waits is asked for a sign of life
//!   long before its keepalive gives up (`silence`).
//! * **Neighbours.** russh's one loop waits for a client that does not read, and with it every
//!   channel of the link. No setting or callback of russh 0.65 withholds the window of one channel
//!   (`Handler::adjust_window` is asked after the grant is queued, and its answer is not used for
//!   it). So the tunnel gives connections links of their own as far as it can, and where one is
//!   shared, who does not read is cut off (`flow`). [`Link::probe`](crate::tunnel::Link::probe)
//!   knows such a link from a dead one: bytes that wait unread in the socket are a sign of life.

mod channel;
mod config;
mod connector;
mod error;
mod flow;
#[cfg(test)]
mod fuzz;
mod handler;
mod keys;
mod link;
mod parting;
mod pin;
mod short_scalar;
mod silence;
mod socket;
mod state;
mod text;

pub use connector::SshConnector;
