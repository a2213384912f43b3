//! The commit point: where an answer stands between "nothing sent" and "over", for every protocol.
//!
//! Promises: it only moves forward; an event that makes no sense where it stands is ignored.
//!
//! Must not know: frames, sockets, protocols.

use super::Mark;

/// Where an answer stands, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// Nothing was sent to the client.
    #[default]
    BeforeHeaders,
    /// Status and headers were sent (or pings to keep the line open), no content.
    BeforeContent,
    /// Content was sent: the answer belongs to this attempt.
    ContentSent,
    /// The whole answer was sent.
    EndedWell,
    /// The client was sent an error as the end of its stream.
    EndedBadly,
    /// The stream stopped, and the client got nothing that says so.
    NeverEnded,
    /// The client left first.
    ClientGone,
}

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Status and headers were given to the client.
    HeadersSent,
    /// A piece of this mark was given to the client.
    Sent(Mark),
    /// The answer was not a stream, and all of it was given to the client.
    WholeSent,
    /// The answer stopped without an end, and nothing more can be said to the client.
    Stopped,
    /// The client left.
    ClientLeft,
}

/// What shape our own error must have now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorForm {
    /// An ordinary answer with a status of its own.
    Answer,
    /// An error event inside the stream that has begun.
    Event,
    /// None: the answer is over.
    None,
}

impl Standing {
    /// Moves on; an event that is impossible here changes nothing.
    pub fn on(&mut self, event: Event) {
        use Standing::*;
        *self = match (*self, event) {
            (EndedWell | EndedBadly | NeverEnded | ClientGone, _) => return,
            (_, Event::ClientLeft) => ClientGone,
            (BeforeHeaders, Event::HeadersSent) => BeforeContent,
            (_, Event::HeadersSent) => return,
            (_, Event::WholeSent) => EndedWell,
            (_, Event::Stopped) => NeverEnded,
            (at, Event::Sent(mark)) => match mark {
                Mark::Lifecycle => at.max_before_content(),
                Mark::Content => ContentSent,
                Mark::Terminal => EndedWell,
                Mark::Error => EndedBadly,
            },
        };
    }

    /// Whether another attempt may still answer: no content reached the client, and it is still there.
    pub const fn may_fail_over(self) -> bool {
        matches!(self, Standing::BeforeHeaders | Standing::BeforeContent)
    }

    /// The shape of an error of ours.
    pub const fn error_form(self) -> ErrorForm {
        match self {
            Standing::BeforeHeaders => ErrorForm::Answer,
            Standing::BeforeContent | Standing::ContentSent => ErrorForm::Event,
            Standing::EndedWell
            | Standing::EndedBadly
            | Standing::NeverEnded
            | Standing::ClientGone => ErrorForm::None,
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self.error_form(), ErrorForm::None)
    }

    const fn max_before_content(self) -> Standing {
        match self {
            Standing::BeforeHeaders => Standing::BeforeContent,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use Standing::*;
    use proptest::prelude::*;

    use super::*;

    fn after(events: &[Event]) -> Standing {
        let mut standing = Standing::default();
        for event in events {
            standing.on(*event);
        }
        standing
    }

    #[test]
    fn each_way_of_an_answer_ends_where_it_should() {
        use Mark::*;
        let cases: &[(&[Event], Standing)] = &[
            (&[], BeforeHeaders),
            (&[Event::HeadersSent], BeforeContent),
            (&[Event::HeadersSent, Event::Sent(Lifecycle)], BeforeContent),
            (
                &[
                    Event::HeadersSent,
                    Event::Sent(Lifecycle),
                    Event::Sent(Content),
                ],
                ContentSent,
            ),
            (
                &[
                    Event::HeadersSent,
                    Event::Sent(Content),
                    Event::Sent(Lifecycle),
                ],
                ContentSent,
            ),
            (
                &[
                    Event::HeadersSent,
                    Event::Sent(Content),
                    Event::Sent(Terminal),
                ],
                EndedWell,
            ),
            (
                &[Event::HeadersSent, Event::Sent(Content), Event::Sent(Error)],
                EndedBadly,
            ),
            (
                &[Event::HeadersSent, Event::Sent(Content), Event::Stopped],
                NeverEnded,
            ),
            (&[Event::HeadersSent, Event::WholeSent], EndedWell),
            (&[Event::ClientLeft], ClientGone),
            (
                &[
                    Event::HeadersSent,
                    Event::WholeSent,
                    Event::ClientLeft,
                    Event::Sent(Error),
                ],
                EndedWell,
            ),
        ];
        for (events, expected) in cases {
            assert_eq!(after(events), *expected, "{events:?}");
        }
    }

    #[test]
    fn the_shape_of_our_error_follows_from_what_the_client_has() {
        let cases = [
            (BeforeHeaders, true, ErrorForm::Answer),
            (BeforeContent, true, ErrorForm::Event),
            (ContentSent, false, ErrorForm::Event),
            (EndedWell, false, ErrorForm::None),
            (EndedBadly, false, ErrorForm::None),
            (NeverEnded, false, ErrorForm::None),
            (ClientGone, false, ErrorForm::None),
        ];
        for (standing, may_fail_over, form) in cases {
            assert_eq!(
                (standing.may_fail_over(), standing.error_form()),
                (may_fail_over, form),
                "{standing:?}"
            );
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop::sample::select(vec![
            Event::HeadersSent,
            Event::Sent(Mark::Lifecycle),
            Event::Sent(Mark::Content),
            Event::Sent(Mark::Terminal),
            Event::Sent(Mark::Error),
            Event::WholeSent,
            Event::Stopped,
            Event::ClientLeft,
        ])
    }

    /// How far an answer has come.
    fn rank(standing: Standing) -> u8 {
        match standing {
            BeforeHeaders => 0,
            BeforeContent => 1,
            ContentSent => 2,
            EndedWell | EndedBadly | NeverEnded | ClientGone => 3,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_only_moves_forward_and_an_end_is_final(events in prop::collection::vec(any_event(), 0..20)) {
            let mut standing = Standing::default();
            let mut content_sent = false;
            for event in events {
                let before = standing;
                standing.on(event);
                content_sent |= event == Event::Sent(Mark::Content);
                prop_assert!(rank(standing) >= rank(before));
                prop_assert!(!before.is_over() || standing == before);
                prop_assert!(!(content_sent && standing.may_fail_over()), "content cannot be taken back");
            }
        }
    }
}
