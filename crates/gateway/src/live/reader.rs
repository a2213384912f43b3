//! One reader: where it is, and the task that reads on for it.
//!
//! The task hands pages to the response's body through a channel of one. It takes the place in the channel
//! before it reads a page, so that it never holds one that its client has no room for.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use waybill_model::{
    id::ErrorId,
    people::Area,
    view::{Filter, TailBegins},
};
use waybill_store::{Newer, StoreError, TailBounds};

use super::{REST_AFTER_FAILURE, Seat, frame};
use crate::{
    app::Shared,
    people::known::{FRESH, PassId},
};

/// Errors that are read at once.
const PAGE: u32 = 100;

/// A reader is let go after so long, and comes back: whoever may not read any more finds out.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// How often is looked whether the reader may still read, while there is nothing to tell; before each page it is
/// looked in any case.
const CHECK: Duration = FRESH;

/// How long a client rests before it comes back.
const RETRY: Duration = Duration::from_secs(1);

/// What a reader wants.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which failures. Of its window the start alone counts.
    pub filter: Filter,
    /// Those after this one; without it, those that come.
    pub after: Option<ErrorId>,
    /// What whoever reads is known through; `None`: the configured admin token.
    pub pass: Option<PassId>,
}

/// A reader of failures.
pub struct Reader {
    shared: Arc<Shared>,
    filter: Filter,
    /// Everything up to here was told, or does not match.
    reached: ErrorId,
    /// There is more than the last look read.
    has_more: bool,
    newest: watch::Receiver<ErrorId>,
    closed: watch::Receiver<bool>,
    ends: Instant,
    pass: Option<PassId>,
    checked: Instant,
    _seat: Seat,
}

/// What is said next.
enum Next {
    Say(Bytes),
    SayLast(Bytes),
    End,
}

impl Reader {
    /// Starts one on the caller's runtime; answers the bytes of its events. It ends when these are dropped.
    ///
    /// # Errors
    /// What the store says, where it cannot be asked where to begin.
    pub async fn start(
        shared: Arc<Shared>,
        seat: Seat,
        asked: Asked,
    ) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, StoreError> {
        let newest = shared.store.newest_error().await?;
        // An id from the future is not of this store: it was put back to an earlier state.
        let reached = asked.after.map_or(newest, |after| after.min(newest));
        let begins = TailBegins {
            after_id: reached,
            newest_id: newest,
        };
        let reader = Reader {
            newest: shared.live.newest.subscribe(),
            closed: shared.live.closed.subscribe(),
            filter: asked.filter,
            reached,
            has_more: reached < newest,
            ends: Instant::now() + LIFE,
            pass: asked.pass,
            checked: Instant::now(),
            shared,
            _seat: seat,
        };
        let (pages, taken) = mpsc::channel(1);
        // There is room for one.
        let _ = pages.try_send(frame::hello(begins, RETRY));
        tokio::spawn(reader.read(pages));
        Ok(stream::unfold(taken, async |mut taken| {
            let page = taken.recv().await?;
            Some((Ok(page), taken))
        }))
    }

    async fn read(mut self, pages: mpsc::Sender<Bytes>) {
        let stall = self.shared.settings.timeouts.write_stall;
        let mut closed = self.closed.clone();
        loop {
            let room = tokio::select! {
                biased;
                room = timeout(stall, pages.reserve()) => room,
                // No goodbye: there is no room for it.
                _ = closed.wait_for(|closed| *closed) => return,
            };
            let room = match room {
                Ok(Ok(room)) => room,
                Ok(Err(_)) => return,
                Err(_) => {
                    tracing::debug!(reached = %self.reached, "a reader of failures took nothing for too long");
                    return;
                }
            };
            let next = tokio::select! {
                () = pages.closed() => return,
                next = self.next() => next,
            };
            match next {
                Next::Say(page) => room.send(page),
                Next::SayLast(page) => {
                    room.send(page);
                    return;
                }
                Next::End => return,
            }
        }
    }

    /// The next thing to say, when there is one.
    async fn next(&mut self) -> Next {
        let keep_alive = sleep(self.shared.live.keep_alive);
        let mut keep_alive = std::pin::pin!(keep_alive);
        loop {
            if *self.closed.borrow() {
                return Next::SayLast(frame::goodbye("the gateway stops"));
            }
            if Instant::now() >= self.ends {
                return Next::SayLast(frame::goodbye("come back"));
            }
            if self.has_more || self.checked.elapsed() >= CHECK {
                match self.look().await {
                    Ok(Some(next)) => return next,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::debug!(%error, "a reader of failures waits for the store");
                        let mut closed = self.closed.clone();
                        tokio::select! {
                            () = sleep(REST_AFTER_FAILURE) => {}
                            () = keep_alive.as_mut() => return Next::Say(frame::alive(self.reached)),
                            _ = closed.wait_for(|closed| *closed) => {}
                        }
                        continue;
                    }
                }
            }
            let reached = self.reached;
            tokio::select! {
                biased;
                gone = self.closed.wait_for(|closed| *closed) => {
                    if gone.is_err() {
                        return Next::End;
                    }
                }
                () = sleep_until(self.ends.min(self.checked + CHECK)) => {}
                newer = self.newest.wait_for(|newest| *newest > reached) => {
                    if newer.is_err() {
                        return Next::End;
                    }
                    self.has_more = true;
                }
                () = keep_alive.as_mut() => return Next::Say(frame::alive(self.reached)),
            }
        }
    }

    /// Whether what the reader is known through still works.
    async fn may_read(&mut self) -> Result<bool, StoreError> {
        let Some(PassId { kind, hash }) = self.pass else {
            self.checked = Instant::now();
            return Ok(true);
        };
        let shared = &self.shared;
        let known = &shared.people.known;
        let found = known.find(&shared.store, kind, hash, shared.clock.now());
        let found = found.await?;
        self.checked = Instant::now();
        Ok(found.is_some_and(|found| {
            let areas = found.areas();
            areas.is_empty() || areas.contains(&Area::Errors)
        }))
    }

    /// One look into the store; `None` where it found nothing to say.
    async fn look(&mut self) -> Result<Option<Next>, StoreError> {
        if !self.may_read().await? {
            return Ok(Some(Next::SayLast(frame::goodbye("signed out"))));
        }
        if !self.has_more {
            return Ok(None);
        }
        let bounds = TailBounds {
            page: PAGE,
            most_behind: self.shared.live.most_behind,
        };
        let Newer {
            errors,
            reached,
            newest,
            missed,
        } = self
            .shared
            .store
            .errors_after(&self.filter, self.reached, bounds)
            .await?;
        self.reached = reached;
        self.has_more = reached < newest;
        let has_news = missed.is_some() || !errors.is_empty();
        Ok(has_news.then(|| Next::Say(frame::page(missed.as_ref(), &errors))))
    }
}
