//! Ingress: what was asked for, and its body.
//!
//! In: an HTTP request. Out: a [`Journey`](crate::record::Journey) with its waybill opened ([`open`]), and,
//! once the key is known, an [`Inbound`] with the body collected and read ([`collect`]). The key is
//! checked between the two, so that nobody without one can make the gateway hold a body.
//!
//! Promises: bounded memory and time whatever the client does. Must not know: accounts, the store.

mod again;
mod body;
mod peer;
mod query;

use std::{ops::Range, sync::Arc, time::Duration};

use body::Stopped;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Version, request::Parts, uri::PathAndQuery};
use hyper::body::Incoming;
use tokio::time::Instant;
use waybill_model::{
    id::RequestId,
    protocol::{Endpoint, Platform, StreamFormat},
    waybill::{Arrival, Waybill},
};
use waybill_wire::{endpoint, endpoint::Mismatch, peek};

pub use again::Recalled;
pub use body::drain;
pub use peer::Peer;
pub use query::{credential_in_query, with_version, without_credentials, without_prefix};

use crate::{
    app::Shared,
    config::{Limits, Timeouts},
    record::Journey,
    respond::{Code, Refusal},
};

/// Time for a refused client to finish sending.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// The same for one without a key, which deserves less.
pub const UNADMITTED_PATIENCE: Duration = Duration::from_secs(1);

/// A request whose head was read.
pub struct Opened {
    /// The request's way, from here to its end.
    pub journey: Journey,
    /// The method.
    pub method: Method,
    /// The HTTP version.
    pub version: Version,
    /// Its body, unread.
    pub body: Incoming,
    /// The endpoint, or why there is none.
    pub recognised: Result<Endpoint, Mismatch>,
    only: Option<Platform>,
    path_model_span: Option<Range<usize>>,
}

/// A request that is known whole: proof that its body is bounded, complete and readable.
pub struct Inbound {
    /// The request's way.
    pub journey: Journey,
    /// The method.
    pub method: Method,
    /// The HTTP version.
    pub version: Version,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The platform whose accounts alone the client asks for.
    only: Option<Platform>,
    /// Path and query without the client's credential and without a prefix that says whom it asks for, and
    /// with the version.
    pub path_and_query: PathAndQuery,
    /// How a streamed answer is framed; `None`: the answer is one document.
    pub stream_format: Option<StreamFormat>,
    /// Where the model stands in the body.
    pub model_span: Option<Range<usize>>,
    /// Where the model stands in [`Self::path_and_query`].
    pub path_model_span: Option<Range<usize>>,
}

impl Inbound {
    /// What ingress stamped.
    pub fn arrival(&self) -> &Arrival {
        &self.journey.waybill().arrival
    }

    /// The platform whose accounts alone may serve it.
    pub fn only(&self) -> Option<Platform> {
        again::only(self.only, self.endpoint, self.arrival())
    }
}

/// Opens the waybill.
pub fn open(shared: &Arc<Shared>, peer: &Peer, request: Request<Incoming>) -> Opened {
    let (
        Parts {
            method,
            uri,
            headers,
            version,
            ..
        },
        body,
    ) = request.into_parts();
    let path_and_query = uri
        .into_parts()
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let recognised = endpoint::recognise(&method, path_and_query.path(), &headers);
    let (protocol, only, model, path_model_span, recognised) = match recognised {
        Ok(found) => (
            found.protocol,
            found.only,
            found.path_model.map(Arc::from),
            found.path_model_span.clone(),
            Ok(found.endpoint),
        ),
        Err(none) => (none.protocol, None, None, None, Err(none.why)),
    };
    let arrival = Arrival {
        method: method.clone(),
        stream: recognised == Ok(Endpoint::StreamGenerateContent),
        path: path_and_query,
        protocol,
        endpoint: recognised.ok(),
        model,
        client_ip: peer.ip,
        headers,
        body: Bytes::new(),
        body_bytes: 0,
        sticky: None,
    };
    let now = shared.clock.now();
    let request_id = RequestId::new(now, rand::random());
    let trace = shared.telemetry.context(request_id, &arrival.headers);
    let mut waybill = Waybill::open(request_id, now, arrival);
    waybill.trace = trace;
    Opened {
        journey: Journey::begin(Arc::clone(shared), waybill, peer.clone(), Instant::now()),
        version,
        method,
        body,
        recognised,
        only,
        path_model_span,
    }
}

/// What makes a request unacceptable before its key is looked at: it costs nothing to say so.
pub fn check_head(headers: &HeaderMap, limits: &Limits) -> Result<(), Refusal> {
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if size > limits.header_bytes {
        return Err(Refusal::new(
            Code::HeadersTooLarge,
            format!(
                "the request headers have {size} bytes; this gateway accepts {}",
                limits.header_bytes
            ),
        ));
    }
    Ok(())
}

/// Why there is no [`Inbound`].
pub enum Rejected {
    /// The client is told.
    Refused(Box<(Journey, Refusal)>),
    /// The client left in the middle of its request; that is recorded.
    Left,
}

/// Collects and reads the body of an admitted request.
pub async fn collect(
    opened: Opened,
    limits: &Limits,
    timeouts: &Timeouts,
) -> Result<Inbound, Rejected> {
    let Opened {
        mut journey,
        version,
        method,
        mut body,
        recognised,
        only,
        path_model_span,
    } = opened;
    let read = async {
        let endpoint = recognised.map_err(Refusal::from)?;
        let arrival = &mut journey.waybill_mut().arrival;
        let (bytes, stopped) = body::collect(&mut body, version, limits, timeouts).await;
        arrival.body_bytes = bytes.len() as u64;
        arrival.body = bytes;
        match stopped {
            None => {}
            Some(Stopped::Refused {
                refusal,
                body_bytes,
            }) => {
                arrival.body_bytes = body_bytes;
                return Err(Some(refusal));
            }
            Some(Stopped::Left) => return Err(None),
        }
        Understood::of(endpoint, arrival, path_model_span).map_err(Some)
    }
    .await;
    match read {
        Ok(understood) => Ok(understood.inbound(journey, method, version, only)),
        // Its journey ends by being dropped: that is what a client that leaves comes to.
        Err(None) => Err(Rejected::Left),
        Err(Some(refusal)) => {
            // A client still sending would lose the answer to a reset; let it finish, within bounds. One
            // that was waited for already is not waited for again.
            if refusal.code != Code::RequestTimeout {
                drain(&mut body, DRAIN_PATIENCE).await;
            }
            Err(Rejected::Refused(Box::new((journey, refusal))))
        }
    }
}

/// What is read from a whole request, whoever sends it.
struct Understood {
    endpoint: Endpoint,
    path_and_query: PathAndQuery,
    stream_format: Option<StreamFormat>,
    model_span: Option<Range<usize>>,
    path_model_span: Option<Range<usize>>,
}

impl Understood {
    /// Peeks into the body, stamps what it says, and takes out of the path what the provider is not sent.
    fn of(
        endpoint: Endpoint,
        arrival: &mut Arrival,
        path_model_span: Option<Range<usize>>,
    ) -> Result<Understood, Refusal> {
        let mut model_span = None;
        if arrival.method == Method::POST {
            let peeked = peek::peek(endpoint, &arrival.body).map_err(Refusal::from)?;
            model_span = peeked.model_span;
            if let Some(model) = peeked.model {
                arrival.model = Some(model.into());
            }
            arrival.stream |= peeked.stream;
            arrival.sticky = peek::sticky(peeked.sticky, &arrival.headers);
        }
        let stream_format = endpoint::stream_format(endpoint, arrival.stream, arrival.path.query());
        let (plain, cut) = without_prefix(without_credentials(&arrival.path));
        let (path_and_query, grown) = with_version(plain);
        Ok(Understood {
            endpoint,
            path_and_query,
            stream_format,
            model_span,
            path_model_span: path_model_span
                .map(|span| span.start - cut + grown..span.end - cut + grown),
        })
    }

    fn inbound(
        self,
        journey: Journey,
        method: Method,
        version: Version,
        only: Option<Platform>,
    ) -> Inbound {
        let Understood {
            endpoint,
            path_and_query,
            stream_format,
            model_span,
            path_model_span,
        } = self;
        Inbound {
            journey,
            method,
            version,
            endpoint,
            only,
            path_and_query,
            stream_format,
            model_span,
            path_model_span,
        }
    }
}
