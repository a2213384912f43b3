//! How the provider refuses, when no rule is behind it.

use waybill_model::protocol::{Platform, Protocol};

use super::Visit;
use crate::{
    allowance::OverLimit,
    ask::{Ask, BadRequest},
    fault::ProviderError,
    outgoing::{Action, JSON, Outgoing},
    provider::{
        errors::{self, Occasion, Said},
        headers,
    },
    route::Route,
};

impl Visit<'_> {
    pub(super) fn over_limit(&self, route: &Route, ask: &Ask, over: OverLimit) -> Action {
        let request_id = self.request_id(route.platform);
        let occasion = Occasion {
            retry_after_ms: over.wait_ms,
            limit: Some(over.limit),
            ..self.occasion(route.platform, &ask.model, &request_id)
        };
        let mut out = self.spoken(route, &errors::say(over.error, &occasion), &request_id);
        out.set_headers(headers::left(route.platform, over.left, self.now()));
        Action::Respond(out)
    }

    pub(super) fn occasion<'b>(
        &self,
        platform: Platform,
        model: &'b str,
        request_id: &'b str,
    ) -> Occasion<'b> {
        Occasion {
            platform,
            model,
            retry_after_ms: None,
            limit: None,
            echo_key: None,
            request_id,
            now: self.now(),
        }
    }

    pub(super) fn error(&self, route: &Route, error: ProviderError, model: &str) -> Action {
        let request_id = self.request_id(route.platform);
        let said = errors::say(error, &self.occasion(route.platform, model, &request_id));
        Action::Respond(self.spoken(route, &said, &request_id))
    }

    pub(super) fn refusal(&self, route: &Route, status: u16, bad: BadRequest) -> Action {
        let request_id = self.request_id(route.platform);
        let said = Said::refusal(&self.occasion(route.platform, "", &request_id), status, bad);
        Action::Respond(self.spoken(route, &said, &request_id))
    }

    pub(super) fn spoken(&self, route: &Route, said: &Said, request_id: &str) -> Outgoing {
        let headers = headers::common(route.platform, request_id);
        let mut out = Outgoing::whole(said.status, headers, JSON, said.status_body(route));
        out.set_headers(
            said.headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        out
    }

    pub(super) fn no_such_path(&self, protocol: Protocol) -> Action {
        let (method, path) = (&self.head.method, self.head.uri.path());
        let message = match protocol {
            Protocol::Anthropic => "Not found".to_owned(),
            Protocol::OpenAi => format!("Invalid URL ({method} {path})"),
            Protocol::Gemini => format!("The requested URL {path} was not found on this server."),
        };
        let platform = protocol.native_platform();
        let request_id = self.request_id(platform);
        let said = Said::refusal(
            &self.occasion(platform, "", &request_id),
            404,
            BadRequest::saying(message),
        );
        let headers = headers::common(platform, &request_id);
        Action::Respond(Outgoing::whole(404, headers, JSON, said.body().to_string()))
    }
}
