//! Answers on their way from the driver to whoever asked. One row may have a gibibyte, so the queue
//! is bounded by what it weighs, and not by number alone: a caller that reads slowly makes Postgres
//! wait, whatever the rows are, and does not fill the memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use borealis_proto::{Column, QueryEvent, ServerMessage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What may be queued or in the reader's hands, in bytes. A batch that weighs more takes all of it.
const ROOM: u32 = 1024 * 1024;
/// A batch ends with the event that brings it to so many bytes.
const BATCH: usize = 256 * 1024;
/// Batches in the queue, should they be small.
const BATCHES: usize = 256;

/// The driver's end.
pub(super) struct Outlet {
    batches: mpsc::Sender<Batch>,
    room: Arc<Semaphore>,
}

/// The reader's end. Dropping it tells the driver that nobody listens.
pub(crate) struct Answers {
    batches: mpsc::Receiver<Batch>,
}

/// Events that came together, in order.
pub(crate) struct Batch {
    pub(crate) events: Vec<QueryEvent>,
    /// Others can have it once this batch is dropped.
    _room: OwnedSemaphorePermit,
}

/// A batch that has no room yet.
#[derive(Default)]
struct Load {
    events: Vec<QueryEvent>,
    weight: usize,
}

/// Nobody reads any more.
struct Gone;

pub(super) fn channel() -> (Outlet, Answers) {
    // The driver's turns send, the caller receives; full means that the caller reads slowly.
    let (sender, receiver) = mpsc::channel(BATCHES);
    let room = Arc::new(Semaphore::new(ROOM as usize));
    (Outlet { batches: sender, room }, Answers { batches: receiver })
}

impl Outlet {
    /// Passes on what `driver` sends into `events`, all of it. The driver has no turn while
    /// something waits for room, so `events` never holds more than it can send in one turn; a
    /// caller that goes is told to it by closing them.
    pub(super) async fn fill<T>(
        &self,
        mut events: mpsc::Receiver<QueryEvent>,
        mut driver: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        loop {
            let turn = poll_fn(|context| {
                let ended = driver.as_mut().poll(context);
                let idle = ended.is_pending() && events.is_empty();
                if idle { Poll::Pending } else { Poll::Ready(ended) }
            });
            let ended = tokio::select! {
                biased;
                ended = turn => ended,
                // A query may run for hours before its first row.
                () = self.batches.closed(), if !events.is_closed() => {
                    events.close();
                    continue;
                }
            };
            while let Some(load) = take(&mut events) {
                if self.put(load).await.is_err() {
                    events.close();
                }
            }
            if let Poll::Ready(ended) = ended {
                return ended;
            }
        }
    }

    /// Passes on what does not come from the driver. The caller may have gone.
    pub(super) async fn say(&self, event: QueryEvent) {
        let mut load = Load::default();
        load.add(event);
        let _ = self.put(load).await;
    }

    async fn put(&self, load: Load) -> Result<(), Gone> {
        let weight = u32::try_from(load.weight).unwrap_or(ROOM).min(ROOM);
        let room = tokio::select! {
            biased;
            room = self.room.clone().acquire_many_owned(weight) => room.map_err(|_closed| Gone)?,
            () = self.batches.closed() => return Err(Gone),
        };
        let batch = Batch { events: load.events, _room: room };
        self.batches.send(batch).await.map_err(|_gone| Gone)
    }
}

impl Answers {
    /// What comes next; `None` at the end. The one before should be dropped: there may be no room
    /// beside it.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }
}

impl Load {
    fn add(&mut self, event: QueryEvent) {
        self.weight += weigh(&event);
        self.events.push(event);
    }
}

/// What has been sent, up to a batch.
fn take(events: &mut mpsc::Receiver<QueryEvent>) -> Option<Load> {
    let mut load = Load { events: Vec::with_capacity(events.len()), weight: 0 };
    while load.weight < BATCH {
        let Ok(event) = events.try_recv() else { break };
        load.add(event);
    }
    (load.weight > 0).then_some(load)
}

/// In bytes, about as in memory, so that nothing weighs nothing. As JSON it is about as much, but
/// for what has to be escaped.
fn weigh(event: &QueryEvent) -> usize {
    let value = |value: &Option<String>| {
        size_of::<Option<String>>() + value.as_ref().map_or(0, String::len)
    };
    let column = |column: &Column| size_of::<Column>() + column.name.len();
    let content: usize = match event {
        QueryEvent::Row { values } => values.iter().map(value).sum(),
        QueryEvent::CopyData { data } => data.len(),
        QueryEvent::Columns { columns } => columns.iter().map(column).sum(),
        QueryEvent::Notice { notice } => words(notice),
        QueryEvent::Error { detail, server } => {
            detail.message.len() + server.as_ref().map_or(0, words)
        }
        QueryEvent::Complete { tag } => tag.len(),
        QueryEvent::CopyOut { .. }
        | QueryEvent::CopyIn
        | QueryEvent::Done
        | QueryEvent::Unknown => 0,
    };
    size_of::<QueryEvent>() + content
}

fn words(said: &ServerMessage) -> usize {
    let more = [&said.detail, &said.hint, &said.context];
    said.message.len() + more.into_iter().flatten().map(String::len).sum::<usize>()
}

#[cfg(test)]
mod tests;
