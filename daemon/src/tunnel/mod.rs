//! The SSH side of one add-on: a supervisor keeps a link up, connections open channels in it.
//!
//! This room decides *when* to mint, connect, wait and give up; it knows no russh and no HTTP.
//! What it needs from below stands in `traits`, so that its decisions are tested with fakes and
//! paused time.
//!
//! The state machine is drawn in `docs/ARCHITECTURE.md`; `state` is that picture as a function.

mod hand;
mod handle;
mod keyring;
mod pace;
mod pool;
mod relay;
mod serving;
mod spares;
mod state;
mod status;
mod supervisor;
mod traits;
mod wary;

#[cfg(test)]
pub(crate) mod fakes;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod spares_tests;
#[cfg(test)]
mod supervisor_tests;

pub use handle::{Company, NoChannel, Tunnel};
pub use pace::{ASKING_EVERY, Pacer, Unreached};
pub use relay::{Local, RelayEnd, Traffic, relay};
pub use state::Why;
pub use status::{Phase, Status};

pub use traits::{
    Channel, ChannelLost, ChannelReader, ChannelWriter, ConnectError, Connector, KeySource, Link,
    LinkEnd, Load, OpenError, Opening, Read,
};
