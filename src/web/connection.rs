//! Connections: the accepted socket, which knows whether a request is under way on it.
//! Owns the deadline of every request's head, from its first byte: actix-http times the first head of a connection only, and
//! stops its keep-alive timer at the first byte of the next. [`Progress`] is told when a request begins and when its answer has
//! ended; what comes in between two requests is a head, and what comes before an answer has ended is held back ([`ahead`]).
//!
//! A request that arrives in one piece costs a look at the clock. One timer serves a connection: it is set at most once in
//! the time that a head may take, and moved on when it goes off too early.

mod ahead;

use std::cell::Cell;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::net::TcpStream;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use ahead::Place;

/// What a client hears whose head did not come in time. Nothing of an answer is on its way then.
const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What may be held back of what a client sends ahead; beyond it nothing more is read until the answer has ended.
const MOST_AHEAD: usize = 64 * 1024;
/// So much of it is read at a time.
const PIECE: usize = 4 * 1024;

/// A client's connection.
pub(super) struct Connection {
    socket: Socket,
    /// What came before the answer to the request before it has ended.
    ahead: BytesMut,
    progress: Rc<Progress>,
    /// How long a head may take.
    patience: Duration,
    /// Set when the first head does not come in one piece.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether something written waits for the client to read.
    is_blocked: bool,
}

/// What it speaks.
enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Known of every request whose connection ends its encryption here.
#[derive(Clone, Copy)]
pub(super) struct OverTls;

/// Whether a request is under way on a connection, and when the next one's head must be whole.
#[derive(Default)]
pub(super) struct Progress {
    is_busy: Cell<bool>,
    /// Whether the request whose bytes come has begun.
    is_served: Cell<bool>,
    place: Cell<Place>,
    /// Who waits for the end of the answer.
    waiting: Cell<Option<Waker>>,
    due: Cell<Option<Instant>>,
}

/// A request under way, until its answer is dropped.
pub(super) struct Busy(Rc<Progress>);

/// An answer's body, and the request it ends.
pub(super) struct Ending<B> {
    body: B,
    _busy: Busy,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, patience: Duration) -> Self {
        Self::over(Socket::Plain(socket), patience)
    }

    /// Whose handshake is over.
    pub(super) fn encrypted(socket: TlsStream<TcpStream>, patience: Duration) -> Self {
        Self::over(Socket::Tls(Box::new(socket)), patience)
    }

    fn over(socket: Socket, patience: Duration) -> Self {
        let (ahead, progress) = (BytesMut::new(), Rc::default());
        Self { socket, ahead, progress, patience, timer: None, is_blocked: false }
    }

    /// Whether nobody between here and the client can read along.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.socket, Socket::Tls(_))
    }

    /// For the requests of this connection.
    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    /// Whether a head has begun and its time is over; has `waker` woken when it will be.
    fn is_late(&mut self, waker: &mut Context<'_>) -> bool {
        let Some(due) = self.progress.due.get() else { return false };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.as_mut().poll(waker).is_pending() {
            return false;
        }
        // It went off, perhaps for a head that has come since.
        timer.as_mut().reset(due);
        timer.as_mut().poll(waker).is_ready()
    }

    /// Says so, if that does not end up in the middle of an answer, nor of a record of TLS.
    fn give_up(&self) -> io::Error {
        if let (Socket::Plain(socket), false) = (&self.socket, self.is_blocked) {
            socket.try_write(TOO_LATE).ok();
        }
        io::Error::new(ErrorKind::TimedOut, "the head of a request took too long")
    }

    /// Reads on while a request is answered, to notice a client that leaves, and gives nothing of it.
    fn read_ahead(&mut self, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ahead.len() < MOST_AHEAD {
            let mut room = [MaybeUninit::uninit(); PIECE];
            let mut room = ReadBuf::uninit(&mut room);
            match Pin::new(&mut self.socket).poll_read(waker, &mut room) {
                Poll::Ready(Ok(())) if !room.filled().is_empty() => self.ahead.extend_from_slice(room.filled()),
                Poll::Pending => break,
                ended => return ended,
            }
        }
        if !self.ahead.is_empty() {
            self.progress.waiting.set(Some(waker.waker().clone()));
        }
        Poll::Pending
    }

    /// Gives what was held back, as far as it belongs to one request.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let given = self.progress.take_in(&self.ahead, buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(given));
    }

    /// Holds back what stands in `buffer`, from `before` on, behind the end of a request.
    fn keep_back(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        let mine = self.progress.take_in(fresh, fresh.len());
        if let Some(ahead) = fresh.get(mine..).filter(|ahead| !ahead.is_empty()) {
            self.ahead.extend_from_slice(ahead);
            buffer.set_filled(before.saturating_add(mine));
        }
    }
}

impl Progress {
    /// A request begins: its head is whole.
    pub(super) fn begin(self: Rc<Self>) -> Busy {
        self.is_busy.set(true);
        self.is_served.set(true);
        self.due.set(None);
        Busy(self)
    }

    /// How many of the bytes that have come, and have `room`, belong to the request that has begun or begins with them.
    fn take_in(&self, fresh: &[u8], room: usize) -> usize {
        if self.place.get() == Place::Start {
            self.is_served.set(false);
        }
        let (mine, place) = self.place.get().after(fresh);
        let given = mine.min(room);
        let place = place.short_of(mine.saturating_sub(given));
        // What is answered before its body has come is over with its last byte.
        let is_over = place == Place::Whole && self.is_served.get() && !self.is_busy.get();
        self.place.set(if is_over { Place::Start } else { place });
        given
    }

    /// Bytes have come: if no request is under way, a head begins with the first of them.
    fn heard(&self, patience: Duration) {
        if !self.is_busy.get() && self.due.get().is_none() {
            self.due.set(Instant::now().checked_add(patience));
        }
    }
}

impl Busy {
    /// Ends with `body`.
    pub(super) fn until_the_end_of<B>(self, body: B) -> Ending<B> {
        Ending { body, _busy: self }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.is_busy.set(false);
        if self.0.place.get() == Place::Whole {
            self.0.place.set(Place::Start);
        }
        if let Some(waiting) = self.0.waiting.take() {
            waiting.wake();
        }
    }
}

impl<B: MessageBody + Unpin> MessageBody for Ending<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.body).poll_next(waker)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, waker: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(waker, buffer),
            Self::Tls(socket) => Pin::new(socket).poll_read(waker, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, waker: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(waker, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(waker, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(waker),
            Self::Tls(socket) => Pin::new(socket).poll_flush(waker),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(waker),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(waker),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, waker: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // An answer that is not written yet may be the last one of the connection.
        let is_unwritten = self.is_blocked && !self.ahead.is_empty();
        if self.progress.place.get() == Place::Whole || is_unwritten {
            return self.read_ahead(waker);
        }
        if !self.ahead.is_empty() {
            self.progress.heard(self.patience);
            self.give(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.socket).poll_read(waker, buffer) {
            Poll::Pending if self.is_late(waker) => Poll::Ready(Err(self.give_up())),
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    self.progress.heard(self.patience);
                    self.keep_back(buffer, before);
                }
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, waker: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(waker, bytes);
        if self.is_blocked && written.is_ready() && !self.ahead.is_empty() {
            // What was held back for that may be read now.
            waker.waker().wake_by_ref();
        }
        self.is_blocked = written.is_pending();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(waker)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(waker)
    }
}
