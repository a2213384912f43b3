//! The way of a request through the simulator: read, understand, let a rule decide, log, answer.

mod refusal;

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use waybill_model::{
    protocol::{Endpoint, Platform, Protocol},
    time::UnixMillis,
};

use crate::{
    allowance::{Admitted, Left, OverLimit},
    apply::{Scene, apply},
    ask::{Ask, BadRequest},
    behaviour::Behaviour,
    body::Playback,
    compress::compress,
    control,
    fault::{DEFAULT_FRAMES, Fault, Place, ProviderError, Rule},
    line::Control,
    outgoing::{Action, Outgoing},
    provider::{self, Answer, code_assist, headers, models, token::TokenEndpoint},
    received::{InFlight, Received},
    reply::Reply,
    route::{Route, bearer, credential},
    script::Facts,
    sim::Shared,
};

/// The largest body read, as Anthropic states it.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Serves one request.
pub(crate) async fn request(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    line: Arc<Control>,
) -> Result<Response<Playback>, Infallible> {
    let (number, mut in_flight) = shared.log.enter();
    let (head, body) = request.into_parts();
    let (body, too_large) = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => (body.to_bytes(), false),
        // Else the peer broke off, and whatever is answered reaches nobody.
        Err(e) => (Bytes::new(), e.is::<LengthLimitError>()),
    };
    if let Some(out) = control::answer(&head, &body, &shared) {
        return Ok(respond(out, line, in_flight));
    }
    if let Some((pause, out)) = TokenEndpoint::answer(&head, &body, &shared) {
        tokio::time::sleep(pause).await;
        return Ok(respond(out, line, in_flight));
    }
    let visit = Visit {
        shared: &shared,
        number,
        head: &head,
        body: &body,
        too_large,
    };
    let (action, hit) = visit.decide(&mut in_flight);
    visit.log(hit.as_ref().map(|(_, name)| name));
    let rule = hit.map(|(rule, _)| rule);
    if let Some(delay_ms) = rule
        .as_ref()
        .map(|rule| rule.delay_ms)
        .filter(|delay_ms| *delay_ms > 0)
    {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    let mut out = match action {
        Action::Respond(out) => out,
        Action::Prebuilt(headers, events) => {
            let mut response = Response::new(Playback::prebuilt(events, line, in_flight));
            *response.headers_mut() = headers;
            return Ok(response);
        }
        Action::Later(pause, out) => {
            tokio::time::sleep(pause).await;
            out
        }
        Action::Break(order) => {
            line.give(order);
            return std::future::pending().await;
        }
        Action::Silence => return std::future::pending().await,
    };
    if let Some(encoding) = rule.and_then(|rule| rule.encoding) {
        compress(&mut out, encoding).await;
    }
    Ok(respond(out, line, in_flight))
}

fn respond(out: Outgoing, line: Arc<Control>, in_flight: InFlight) -> Response<Playback> {
    let mut response = Response::new(Playback::steps(out.steps, out.exact, line, in_flight));
    *response.status_mut() = out.status;
    *response.headers_mut() = out.headers;
    response
}

/// A request that has been read.
struct Visit<'a> {
    shared: &'a Shared,
    number: u64,
    head: &'a Parts,
    body: &'a Bytes,
    too_large: bool,
}

/// The silence of a slow thinker: within a stream's beginning, or before the whole of a plain answer.
fn silence(ask: &Ask) -> Option<Fault> {
    let Behaviour::SlowThinker(silence) = ask.behaviour else {
        return None;
    };
    Some(Fault::Stall {
        at: if ask.stream {
            Place::BeforeContent
        } else {
            Place::BeforeHeaders
        },
        for_ms: Some(silence.as_millis() as u64),
        frames: DEFAULT_FRAMES,
    })
}

/// The rule that hit, and its name.
type Hit = Option<(Rule, String)>;

impl Visit<'_> {
    fn decide(&self, in_flight: &mut InFlight) -> (Action, Hit) {
        let route = match Route::read(&self.head.method, &self.head.uri, &self.head.headers) {
            Ok(route) => route,
            Err(protocol) => return (self.no_such_path(protocol), None),
        };
        if self.shared.fast.is_none() {
            in_flight.of_key(self.key().unwrap_or_default());
        }
        if let Some(refusal) = self.refuse(&route) {
            return (refusal, None);
        }
        if let Some(prepared) = &self.shared.fast {
            let stream = Ask::wants_stream(&route, self.body);
            if let Some(action) = prepared.answer(&route, stream) {
                return match self.hit(&route, None, stream) {
                    None => (action, None),
                    hit => self.answer(&route, in_flight, |_| hit),
                };
            }
        }
        self.answer(&route, in_flight, |ask| {
            self.hit(&route, Some(&ask.model), ask.stream)
        })
    }

    fn answer(
        &self,
        route: &Route,
        in_flight: &mut InFlight,
        hit: impl FnOnce(&Ask) -> Hit,
    ) -> (Action, Hit) {
        let ask = match self.ask(route) {
            Err(action) => return (*action, None),
            Ok(ask) => ask,
        };
        let hit = hit(&ask);
        let has_fault = hit.as_ref().is_some_and(|(rule, _)| rule.fault.is_some());
        // What goes wrong goes wrong whatever is left.
        let left = match self.admit(route, &ask, has_fault) {
            Ok(admitted) => {
                in_flight.of_model(&ask.model, false);
                in_flight.hold(admitted.places);
                admitted.left
            }
            Err(over) => {
                in_flight.of_model(&ask.model, true);
                return (self.over_limit(route, &ask, over), hit);
            }
        };
        self.perform(route, &ask, hit, left)
    }

    /// Charges what generates to the account's limits.
    fn admit(&self, route: &Route, ask: &Ask, exempt: bool) -> Result<Admitted, OverLimit> {
        let generates = match route.endpoint {
            Endpoint::Messages
            | Endpoint::ChatCompletions
            | Endpoint::Responses
            | Endpoint::Embeddings
            | Endpoint::GenerateContent
            | Endpoint::StreamGenerateContent
            | Endpoint::EmbedContent => true,
            Endpoint::CountTokens | Endpoint::GeminiCountTokens | Endpoint::Models => false,
        };
        if exempt || !generates {
            return Ok(Admitted::default());
        }
        let tokens = || ask.input_tokens + Reply::to(ask).output_tokens;
        let key = self.key().unwrap_or_default();
        self.shared
            .allowances
            .admit(key, &ask.model, tokens, self.now())
    }

    fn key(&self) -> Option<&str> {
        if self.head.uri.path().starts_with("/v1internal") {
            return bearer(&self.head.headers);
        }
        credential(&self.head.uri, &self.head.headers)
    }

    fn now(&self) -> UnixMillis {
        self.shared.options.clock.now()
    }

    /// What the provider refuses before it looks at the body.
    fn refuse(&self, route: &Route) -> Option<Action> {
        let keys = &self.shared.options.keys;
        if route.platform == Platform::Antigravity && self.key().is_none() {
            return Some(self.error(route, ProviderError::InvalidKey, ""));
        }
        if !keys.is_empty()
            && !self
                .key()
                .is_some_and(|key| keys.iter().any(|known| known == key))
        {
            return Some(self.error(route, ProviderError::InvalidKey, ""));
        }
        if self.too_large {
            return Some(self.error(route, ProviderError::TooLarge, ""));
        }
        let versionless = route.protocol == Protocol::Anthropic
            && !self.head.headers.contains_key("anthropic-version");
        versionless.then(|| {
            let bad = BadRequest::saying("anthropic-version: header is required");
            self.refusal(route, 400, bad)
        })
    }

    fn ask(&self, route: &Route) -> Result<Ask, Box<Action>> {
        if self.head.method == Method::GET {
            return Ok(Ask::without_body(route));
        }
        let beta = self.head.headers.contains_key("anthropic-beta")
            || self
                .head
                .uri
                .query()
                .is_some_and(|query| query.contains("beta=true"));
        Ask::read(route, self.body, &self.shared.options.strictness, beta)
            .map_err(|bad| Box::new(self.refusal(route, 400, bad)))
    }

    fn hit(&self, route: &Route, model: Option<&str>, stream: bool) -> Hit {
        let uptime_ms = self.now().0.saturating_sub(self.shared.started.0);
        self.shared.script.hit(&Facts {
            route,
            key: self.key(),
            model,
            stream,
            uptime: Duration::from_millis(uptime_ms.max(0) as u64),
        })
    }

    fn perform(&self, route: &Route, ask: &Ask, hit: Hit, left: Left) -> (Action, Hit) {
        let options = &self.shared.options;
        let now = self.now();
        let answer = match (route.endpoint, &route.path_model) {
            (Endpoint::Models, Some(id)) => match models::one(route, id) {
                Some(model) => Answer::Plain(model.to_string().into()),
                None => return (self.error(route, ProviderError::ModelNotFound, id), hit),
            },
            _ => match route.account {
                Some(call) => {
                    let said = code_assist::account(call, self.key().unwrap_or_default(), now);
                    Answer::Plain(said.to_string().into())
                }
                None => provider::answer(route, ask, now.0 as u64 / 1000, options.chunk_words),
            },
        };
        let request_id = self.request_id(route.platform);
        let mut headers = headers::common(route.platform, &request_id);
        let silence = silence(ask);
        let scripted = hit.as_ref().and_then(|(rule, _)| rule.fault.as_ref());
        let Some(fault) = scripted.or(silence.as_ref()) else {
            let mut out = Outgoing::good(answer, headers, options.chunk_pause);
            out.set_headers(headers::limits(route.platform).iter().copied());
            out.set_headers(headers::left(route.platform, left, now));
            return (Action::Respond(out), hit);
        };
        headers.reserve(8);
        let scene = Scene {
            route,
            ask,
            answer,
            headers,
            pause: options.chunk_pause,
            key: self.key(),
            request_id: &request_id,
            now,
        };
        (apply(fault, scene), hit)
    }

    fn request_id(&self, platform: Platform) -> String {
        headers::request_id(platform, self.shared.options.seed, self.number)
    }

    fn log(&self, rule: Option<&String>) {
        let log = &self.shared.log;
        if !log.keeps() {
            return;
        }
        let headers = self.head.headers.iter();
        log.push(Received {
            number: self.number,
            method: self.head.method.to_string(),
            path: self
                .head
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            version: format!("{:?}", self.head.version),
            headers: headers
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            body: self.body.clone(),
            key: self.key().map(str::to_owned),
            rule: rule.cloned(),
        });
    }
}
