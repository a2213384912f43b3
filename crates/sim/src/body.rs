//! A response body played from a list of steps: send, pause, stall, break.
//!
//! Must not know: protocols and faults; it is handed steps.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::{
    line::{Control, Order},
    received::InFlight,
};

/// One thing that happens while a body is sent.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Send these bytes so many times.
    Repeat(Bytes, u64),
    /// Send what is buffered, then wait.
    Pause(Duration),
    /// Send nothing more; the body ends when the peer leaves.
    Stall,
    /// Break the connection. A pause before it lets the bytes before it reach the peer.
    Break(Order),
}

/// Pre-built events that many responses share, sent with a pause between them.
#[derive(Debug, Clone)]
pub struct Prebuilt {
    /// The events.
    pub events: Arc<[Bytes]>,
    /// The pause before each but the first; zero sends all at once.
    pub pause: Duration,
}

/// The body. Counts as in flight until it is dropped.
pub struct Playback {
    source: Source,
    sleep: Option<Pin<Box<Sleep>>>,
    exact: Option<u64>,
    control: Arc<Control>,
    _in_flight: InFlight,
}

enum Source {
    Steps(VecDeque<Step>),
    Prebuilt {
        events: Prebuilt,
        next: usize,
        rested: bool,
    },
}

impl Playback {
    /// Plays steps. With `exact`, their total length becomes the `content-length`.
    pub fn steps(
        steps: Vec<Step>,
        exact: bool,
        control: Arc<Control>,
        in_flight: InFlight,
    ) -> Self {
        let exact = exact.then(|| {
            steps.iter().fold(0_u64, |total, step| match step {
                Step::Send(bytes) => total + bytes.len() as u64,
                Step::Repeat(bytes, times) => total + bytes.len() as u64 * times,
                Step::Pause(_) | Step::Stall | Step::Break(_) => total,
            })
        });
        Playback {
            source: Source::Steps(steps.into()),
            sleep: None,
            exact,
            control,
            _in_flight: in_flight,
        }
    }

    /// Plays shared events.
    pub fn prebuilt(events: Prebuilt, control: Arc<Control>, in_flight: InFlight) -> Self {
        let source = Source::Prebuilt {
            events,
            next: 0,
            rested: true,
        };
        Playback {
            source,
            sleep: None,
            exact: None,
            control,
            _in_flight: in_flight,
        }
    }
}

/// What the source gives next.
enum Next {
    Data(Bytes),
    Rest(Duration),
    Forever,
    End,
}

impl Source {
    fn next(&mut self, control: &Control) -> Next {
        match self {
            Source::Prebuilt {
                events,
                next,
                rested,
            } => {
                let Some(event) = events.events.get(*next) else {
                    return Next::End;
                };
                if !*rested && !events.pause.is_zero() {
                    *rested = true;
                    return Next::Rest(events.pause);
                }
                (*next, *rested) = (*next + 1, false);
                Next::Data(event.clone())
            }
            Source::Steps(steps) => match steps.pop_front() {
                None => Next::End,
                Some(Step::Send(bytes)) => Next::Data(bytes),
                Some(Step::Repeat(_, 0)) => self.next(control),
                Some(Step::Repeat(bytes, times)) => {
                    steps.push_front(Step::Repeat(bytes.clone(), times - 1));
                    Next::Data(bytes)
                }
                Some(Step::Pause(pause)) => Next::Rest(pause),
                Some(Step::Stall) => Next::Forever,
                Some(Step::Break(order)) => {
                    control.give(order);
                    Next::Forever
                }
            },
        }
    }
}

impl Body for Playback {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            if let Some(sleep) = &mut this.sleep {
                ready!(sleep.as_mut().poll(cx));
                this.sleep = None;
            }
            match this.source.next(&this.control) {
                Next::Data(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Next::Rest(pause) => this.sleep = Some(Box::pin(tokio::time::sleep(pause))),
                // No waker: only the connection's end wakes the task, and drops this body.
                Next::Forever => {
                    this.source = Source::Steps(VecDeque::from([Step::Stall]));
                    return Poll::Pending;
                }
                Next::End => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.exact
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
