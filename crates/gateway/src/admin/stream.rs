//! `ops/stream`: failures as they are written, as server-sent events.

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, header};
use waybill_model::id::ErrorId;

use super::{
    App,
    openapi::LiveParameters,
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::{
    live::{Asked, Reader},
    ops::filter,
    people::known::PassId,
};

/// The id of the last event that a client was given, which it sends when it comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// Failed requests as they are written, as server-sent events: `hello` with where it begins, `error` with a
/// failure as in the list, `missed` with what was passed over because the reader was too slow. Begins with
/// what is written from now on; after the error that `Last-Event-ID` or else `after_id` names.
#[utoipa::path(get, path = "/api/v1/admin/ops/stream", operation_id = "stream_errors", tag = "ops",
    params(LiveParameters, ("Last-Event-ID" = Option<i64>, Header, description = "The `id` of the last event that was read. Comes before `after_id`.")),
    responses((status = 200, content_type = "text/event-stream", body = String, description = "Events named `hello` (TailBegins), `error` (ErrorLog) and `missed` (MissedErrors)."),
        (status = 400, body = ProblemDetails), (status = 429, body = ProblemDetails)))]
pub async fn stream(
    State(shared): State<App>,
    headers: HeaderMap,
    pass: Option<Extension<PassId>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let filter = filter::parse_live(query.as_deref())?;
    let after = last_event_id(&headers)?.or(filter.after_id).map(ErrorId);
    let seat = shared.live.seat().ok_or_else(|| {
        let most = shared.live.most_readers();
        let detail = format!("{most} streams are open, which is as many as there may be");
        Problem::new(ProblemCode::TooManyStreams, detail)
    })?;
    let asked = Asked {
        filter,
        after,
        pass: pass.map(|Extension(pass)| pass),
    };
    let events = Reader::start(shared, seat, asked).await?;
    let mut response = Response::new(Body::from_stream(events));
    for (name, value) in [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        // Proxies like nginx must not gather.
        ("x-accel-buffering", "no"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    match value.to_str().ok().map(str::trim) {
        // What a client sends that was given none.
        Some("") => Ok(None),
        text => text
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .map(Some)
            .ok_or_else(|| {
                Problem::parameter("Last-Event-ID", "Last-Event-ID: an id is a whole number")
            }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_id_is_a_whole_number_or_absent() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, HeaderValue::from_static(text));
            last_event_id(&headers).ok()
        };
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), None);
        assert_eq!(
            (read("17"), read(""), read("-1"), read("x")),
            (Some(Some(17)), Some(None), None, None)
        );
    }
}
