//! The body of an outgoing answer, complete or changed by a fault.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// The pieces of a huge body.
static FILLER: [u8; 64 << 10] = [b' '; 64 << 10];

/// The error that closes the connection without an answer, or without the rest of one.
#[derive(Debug)]
pub(super) struct ConnectionCut;

impl fmt::Display for ConnectionCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for ConnectionCut {}

pub(super) enum AnswerBody {
    Whole(Bytes),
    /// The connection ends before all of the announced bytes are sent.
    Cut {
        first: Bytes,
        announced: u64,
        has_waited: bool,
    },
    Drip {
        rest: Bytes,
        bytes: usize,
        pause: Duration,
        sleep: Pin<Box<Sleep>>,
    },
    Huge {
        left: u64,
    },
}

impl AnswerBody {
    pub(super) fn cut(mut body: Vec<u8>) -> AnswerBody {
        let announced = u64::try_from(body.len()).unwrap_or(u64::MAX).max(1);
        body.truncate(body.len() / 2);
        AnswerBody::Cut {
            first: body.into(),
            announced,
            has_waited: false,
        }
    }

    pub(super) fn drip(body: Vec<u8>, bytes: usize, pause: Duration) -> AnswerBody {
        AnswerBody::Drip {
            rest: body.into(),
            bytes,
            pause,
            sleep: Box::pin(tokio::time::sleep(pause)),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = ConnectionCut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionCut>>> {
        let data = match self.get_mut() {
            AnswerBody::Whole(body) => {
                if body.is_empty() {
                    return Poll::Ready(None);
                }
                std::mem::take(body)
            }
            AnswerBody::Cut {
                first, has_waited, ..
            } => {
                if !first.is_empty() {
                    std::mem::take(first)
                } else if *has_waited {
                    return Poll::Ready(Some(Err(ConnectionCut)));
                } else {
                    // Lets what is there already go out first.
                    *has_waited = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            AnswerBody::Drip {
                rest,
                bytes,
                pause,
                sleep,
            } => {
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                std::task::ready!(sleep.as_mut().poll(context));
                *sleep = Box::pin(tokio::time::sleep(*pause));
                rest.split_to(rest.len().min(*bytes))
            }
            AnswerBody::Huge { left } => {
                if *left == 0 {
                    return Poll::Ready(None);
                }
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                let piece = &FILLER[..FILLER.len().min(most)];
                *left -= u64::try_from(piece.len()).unwrap_or(*left);
                Bytes::from_static(piece)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AnswerBody::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        let length = |bytes: &Bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        SizeHint::with_exact(match self {
            AnswerBody::Whole(body) => length(body),
            AnswerBody::Cut { announced, .. } => *announced,
            AnswerBody::Drip { rest, .. } => length(rest),
            AnswerBody::Huge { left } => *left,
        })
    }
}
