//! The link: russh behind the tunnel's traits, hardened where its defaults are not ours.
//!
//! * **Identity.** The service announces the host key; only its type is negotiated, only that exact
//!   blob is accepted, and nothing but key exchange is sent to a server that shows another
//!   (`pin`).
//! * **Time.** russh bounds nothing. Every step of a connect has a named limit (`config`), and the
//!   socket is ours, so that an attempt that is dropped takes its connection with it (`socket`).
//! * **Endings.** russh makes a dead session look like a clean end of file. Here an ending is a fact
//!   that is declared once, with its reason, and everybody races against it (`state`).
//! * **Channels.** A channel is closed when both of its halves are gone, whoever dropped them and
//!   whenever the server confirms it (`channel`).
//!
//! # A local client that stops reading
//! russh grants the server new window when data *arrives* and then hands it to a bounded queue of
//! its channel. When that queue (`config::CHANNEL_QUEUE`) is full, russh's one loop waits for it,
//! and with it every channel of the link, its keepalive and new opens, until that client reads or
//! goes. Nothing is lost and memory is bounded, but neighbours wait. No setting or callback of
//! russh 0.65 withholds the window of one channel (`Handler::adjust_window` is asked after the
//! grant is queued, and its answer is not used for it). So a tunnel that wants neighbours to be
//! safe from each other gives them links of their own. [`Link::probe`](crate::tunnel::Link::probe)
//! knows such a link from a dead one: bytes that wait unread in the socket are a sign of life.

mod channel;
mod config;
mod connector;
mod error;
mod flow;
mod handler;
mod keys;
mod link;
mod pin;
mod short_scalar;
mod socket;
mod state;
mod text;

pub use connector::SshConnector;
