//! Stdin as the data of `COPY … FROM STDIN`, untouched until Postgres asks for it.

use std::future::pending;
use std::io::{self, IsTerminal};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use crate::output::notes;

/// Read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Begins to read stdin.
pub(super) struct Start(oneshot::Sender<()>);

impl Start {
    pub(super) fn now(self) {
        if io::stdin().is_terminal() {
            notes::note("type the data to be copied, and Ctrl+D after its last line");
        }
        // Where nobody waits, the query has just failed.
        let _failed = self.0.send(());
    }
}

/// Stdin, once told to start. Never started, it never ends: an end would mean "no data".
pub(super) fn data() -> (Start, impl Stream<Item = io::Result<Bytes>> + Send + 'static) {
    let (start, started) = oneshot::channel();
    let wait = async {
        if started.await.is_err() {
            pending::<()>().await;
        }
        stream::try_unfold(tokio::io::stdin(), async |mut stdin| {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = stdin.read_buf(&mut piece).await?;
            Ok((read > 0).then(|| (piece.freeze(), stdin)))
        })
    };
    (Start(start), stream::once(wait).flatten())
}
