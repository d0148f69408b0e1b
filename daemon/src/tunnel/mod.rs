//! The SSH side of one add-on: a supervisor keeps a link up, connections open channels in it.
//!
//! This room decides *when* to mint, connect, wait and give up; it knows no russh and no HTTP.
//! What it needs from below stands in `traits`, so that its decisions are tested with fakes and
//! paused time.
//!
//! ```text
//!            ┌────────────── Retry (timer, user, wake, demand) ───────────────┐
//!            ▼                                                                │
//!   ┌─> Minting ──Minted──> Connecting ──Connected──> Up ──Lost──> Backoff ───┤
//!   │      │                    │  │                 │  ▲                     │
//!   │      │ Failed             │  │ key refused     │  │ Connected, or       │
//!   │      ├────────────────────┼──┼─────────────────┼──┼─ Failed (old link   │
//!   │      ▼                    │  │         Replace ▼  │  serves on)         │
//!   │   Backoff / Blocked <─────┘  │              Replacing                   │
//!   └──────────────────────────────┘                                          │
//!       Blocked ──Retry (user, or a recheck that is due) ─────────────────────┘
//!       any ──Stop──> Down
//! ```

mod handle;
mod pace;
mod relay;
mod state;
mod status;
mod supervisor;
mod traits;

#[cfg(test)]
mod supervisor_tests;

pub use handle::{NoChannel, Tunnel};
pub use pace::Pacer;
pub use relay::{Local, RelayEnd, Traffic, relay};
pub use state::Why;
pub use status::{Phase, Status};

pub use traits::{
    Channel, ChannelLost, ChannelReader, ChannelWriter, ConnectError, Connector, KeySource, Link,
    LinkEnd, OpenError, Read,
};
