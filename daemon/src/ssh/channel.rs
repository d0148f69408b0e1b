//! One `direct-tcpip` stream, in halves that are relayed side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Error};
use tokio_util::sync::CancellationToken;

use super::flow::Flow;
use super::link::Core;
use crate::tunnel::{Channel, ChannelLost, ChannelReader, ChannelWriter, Opening, Read};

/// At most so many messages go into one batch, so that a reader gets to its other duties.
const BATCH: usize = 64;

/// Puts a confirmed channel behind the tunnel's traits.
pub(super) fn wrap(core: &Arc<Core>, channel: russh::Channel<Msg>, opening: Opening) -> Channel {
    let flow = core.state.opened(channel.id());
    let (incoming, outgoing) = channel.split();
    let outgoing = Arc::new(outgoing);
    let closer = Arc::new(Closer {
        core: Arc::clone(core),
        half: Arc::clone(&outgoing),
        finished: AtomicBool::new(false),
    });
    let reader = Reader {
        half: incoming,
        state: Reading::Open,
        flow: flow.clone(),
        _closer: closer.clone(),
    };
    let cut = flow.cut.clone();
    let writer = Writer { half: outgoing, gone: flow.gone.clone(), closer };
    Channel { reader: Box::new(reader), writer: Box::new(writer), opening, cut }
}

/// Ends the channel when the last half is gone; russh's halves do not.
struct Closer {
    core: Arc<Core>,
    half: Arc<ChannelWriteHalf<Msg>>,
    /// The server was told that nothing more comes. It must not be told twice.
    finished: AtomicBool,
}

impl Drop for Closer {
    fn drop(&mut self) {
        if let Some(parting) = self.core.state.forget(self.half.id()) {
            let finished = self.finished.load(Ordering::Relaxed);
            self.core.part(Arc::clone(&self.half), parting, finished);
        }
    }
}

/// From Postgres.
struct Reader {
    half: ChannelReadHalf,
    state: Reading,
    flow: Arc<Flow>,
    _closer: Arc<Closer>,
}

/// russh reports a dead session as a clean end. Only an `Eof` from the server is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Data may come.
    Open,
    /// Postgres has ended its direction, and our reader is still to hear of it.
    Eof,
    /// It knows; what is left is the end of the channel.
    Half,
    /// The channel is gone.
    Lost,
}

impl ChannelReader for Reader {
    fn read<'a>(&'a mut self, batch: &'a mut Vec<Bytes>) -> BoxFuture<'a, Read> {
        self.next(batch).boxed()
    }
}

impl Reader {
    /// Cancel-safe: it waits for one message at a time, and takes it in without waiting.
    async fn next(&mut self, batch: &mut Vec<Bytes>) -> Read {
        let before = batch.len();
        loop {
            if batch.len() > before {
                self.drain(batch);
                return Read::Data;
            }
            match self.state {
                Reading::Eof => {
                    self.state = Reading::Half;
                    return Read::Eof;
                }
                Reading::Lost => return Read::Lost,
                Reading::Open | Reading::Half => (),
            }
            let message = self.message().await;
            self.take(message, batch);
        }
    }

    /// What has arrived before the end is still read, hence the order.
    async fn message(&mut self) -> Option<ChannelMsg> {
        tokio::select! {
            biased;
            message = self.half.wait() => message,
            () = self.flow.gone.cancelled() => None,
        }
    }

    /// What is there already.
    fn drain(&mut self, batch: &mut Vec<Bytes>) {
        for _ in 1..BATCH {
            if self.state != Reading::Open {
                return;
            }
            let Some(message) = self.half.wait().now_or_never() else { return };
            self.take(message, batch);
        }
    }

    fn take(&mut self, message: Option<ChannelMsg>, batch: &mut Vec<Bytes>) {
        match message {
            Some(ChannelMsg::Data { data }) => {
                self.flow.took(data.len());
                batch.push(data);
            }
            Some(ChannelMsg::Eof) => self.state = Reading::Eof,
            Some(ChannelMsg::Close) | None => {
                self.state = Reading::Lost;
                self.flow.gone.cancel();
            }
            // Nothing else belongs to a direct-tcpip channel.
            Some(_) => (),
        }
    }
}

/// To Postgres.
struct Writer {
    half: Arc<ChannelWriteHalf<Msg>>,
    gone: CancellationToken,
    closer: Arc<Closer>,
}

impl ChannelWriter for Writer {
    fn write(&mut self, data: Bytes) -> BoxFuture<'_, Result<(), ChannelLost>> {
        self.closer.core.state.sent(data.len());
        self.unless_gone(|| self.half.data_bytes(data)).boxed()
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), ChannelLost>> {
        self.closer.finished.store(true, Ordering::Relaxed);
        self.unless_gone(|| self.half.eof()).boxed()
    }
}

impl Writer {
    /// Without the race, a writer that waits for window would wait for ever when the channel dies.
    ///
    /// It makes the future itself: each message has one, and if it were handed over, room for two.
    async fn unless_gone<S>(&self, send: impl FnOnce() -> S) -> Result<(), ChannelLost>
    where
        S: Future<Output = Result<(), Error>>,
    {
        tokio::select! {
            biased;
            () = self.gone.cancelled() => Err(ChannelLost),
            sent = send() => sent.map_err(|_session_gone| ChannelLost),
        }
    }
}
