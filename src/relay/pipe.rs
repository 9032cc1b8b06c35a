//! The pipe: pieces of a streamed answer on their way to the client's connection.
//! Owns how much may wait there for a client that reads slowly, in pieces and in bytes, and how long a client may leave it
//! full. Refuses to hold more: whoever sends then waits, and with it the provider.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Pieces that may wait for the client.
const PIECES: usize = 16;

/// Bytes that may wait for the client; a larger piece waits alone.
const ROOM: u32 = 64 * 1024;

/// How long a client may leave all that is on its way to it unread.
const STALLED: Duration = Duration::from_secs(30);

/// Where pieces go in.
pub(super) struct Inflow {
    pieces: mpsc::Sender<Bytes>,
    room: Arc<Semaphore>,
}

/// Where the client's connection takes them out.
pub struct Outflow {
    pieces: mpsc::Receiver<Bytes>,
    room: Arc<Semaphore>,
}

/// The client has left, or does not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// A new pipe.
pub(super) fn pipe() -> (Inflow, Outflow) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let room = Arc::new(Semaphore::new(ROOM as usize));
    (Inflow { pieces: sender, room: Arc::clone(&room) }, Outflow { pieces: receiver, room })
}

/// What `piece` takes of the room.
fn room_for(piece: &Bytes) -> u32 {
    u32::try_from(piece.len()).unwrap_or(ROOM).min(ROOM)
}

impl Inflow {
    /// Sends a piece on.
    ///
    /// # Errors
    /// If the client has left, or has not read for so long that it will not.
    pub(super) async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        // Nearly always there is room, and no timer is needed.
        if self.pieces.capacity() > 0
            && let Ok(room) = self.room.try_acquire_many(room_for(&piece))
        {
            room.forget();
            return self.pieces.try_send(piece).map_err(|_| Gone);
        }
        timeout(STALLED, self.wait_and_send(piece)).await.unwrap_or(Err(Gone))
    }

    async fn wait_and_send(&self, piece: Bytes) -> Result<(), Gone> {
        self.room.acquire_many(room_for(&piece)).await.map_err(|_| Gone)?.forget();
        self.pieces.send(piece).await.map_err(|_| Gone)
    }

    /// Waits until the client leaves.
    pub(super) async fn closed(&self) {
        self.pieces.closed().await;
    }
}

impl Outflow {
    /// The next piece; `None` when all were taken and no more will come.
    pub fn poll_next(&mut self, waker: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let piece = self.pieces.poll_recv(waker);
        if let Poll::Ready(Some(piece)) = &piece {
            self.room.add_permits(room_for(piece) as usize);
        }
        piece
    }

    /// The same, for whoever can wait.
    pub async fn next(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|waker| self.poll_next(waker)).await
    }
}

impl Drop for Outflow {
    /// Whoever waits for room learns that there is nobody to make any.
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    /// How many pieces of this size go in before somebody has to wait.
    async fn going_in(bytes: usize) -> usize {
        let (inflow, _outflow) = pipe();
        let mut sent = 0;
        loop {
            tokio::select! {
                biased;
                outcome = inflow.send(piece(bytes)) => assert_eq!(outcome, Ok(())),
                () = std::future::ready(()) => return sent,
            }
            sent += 1;
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_pieces_and_in_bytes() {
        assert_eq!(going_in(10).await, PIECES);
        assert_eq!(going_in(20_000).await, 3);
        assert_eq!(going_in(1_000_000).await, 1, "a large piece is alone, but it goes");
    }

    #[tokio::test]
    async fn who_reads_makes_room() {
        let (inflow, mut outflow) = pipe();
        let sending = async {
            for _ in 0..100 {
                inflow.send(piece(50_000)).await?;
            }
            inflow.send(piece(1)).await
        };
        let reading = async {
            let mut read = 0;
            while read < 100 {
                read += usize::from(outflow.next().await.is_some());
            }
            assert_eq!(inflow.room.available_permits() + 1, ROOM as usize, "all room but the last piece's is back");
        };
        assert_eq!(tokio::join!(sending, reading).0, Ok(()));
    }

    #[tokio::test]
    async fn who_waits_for_room_hears_that_the_client_left() {
        let (inflow, outflow) = pipe();
        inflow.send(piece(60_000)).await.expect("there is room");
        let leaving = async { drop(outflow) };
        assert_eq!(tokio::join!(inflow.send(piece(60_000)), leaving).0, Err(Gone));
    }
}
