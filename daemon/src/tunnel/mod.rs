//! The SSH side of one add-on: a supervisor keeps a link up, connections open channels in it.
//!
//! This room decides *when* to mint, connect, wait and give up; it knows no russh and no HTTP.
//! What it needs from below stands in [`traits`], so that its decisions are tested with fakes and
//! paused time.

mod traits;

pub use traits::{
    Channel, ChannelLost, ChannelReader, ChannelWriter, ConnectError, Connector, KeySource, Link,
    LinkEnd, OpenError, Read,
};
