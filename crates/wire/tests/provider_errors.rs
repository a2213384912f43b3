#![allow(clippy::unwrap_used, clippy::panic)]
//! Errors in the shapes that providers document, proxies print and SDKs wrap, and what must be read
//! from each: message, name and cause. Written from the providers' public references.

use http::{HeaderMap, HeaderName, HeaderValue};
use waybill_model::{
    cause::Cause::{self, *},
    protocol::Platform::{self, *},
    time::UnixMillis,
};
use waybill_wire::error::{ProviderError, read};

/// 2026-01-01T00:00:00Z
const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

/// Platform, status (0: none), body, then message, name and cause.
type Case = (
    Platform,
    u16,
    &'static str,
    &'static str,
    Option<&'static str>,
    Cause,
);

fn said(
    platform: Platform,
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &[u8],
) -> ProviderError {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    read(
        platform,
        Some(status).filter(|status| *status > 0),
        &headers,
        body,
        NOW,
    )
}

fn check(cases: &[Case]) {
    let mut misses = Vec::new();
    for (platform, status, body, message, name, cause) in cases {
        let got = said(*platform, *status, &[], body.as_bytes());
        if (got.message.as_str(), got.name.as_deref(), got.cause) != (*message, *name, *cause) {
            misses.push(format!(
                "{body}\n   got {:?} {:?} {}",
                got.message, got.name, got.cause
            ));
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn anthropic_errors_are_read() {
    check(&[
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: Field required"},"request_id":"req_1"}"#,
            "max_tokens: Field required",
            Some("invalid_request_error"),
            InvalidRequest,
        ),
        (
            Anthropic,
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-none"}}"#,
            "model: claude-none",
            Some("not_found_error"),
            ModelNotFound,
        ),
        (
            Anthropic,
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            "prompt is too long: 210000 tokens > 200000 maximum",
            Some("invalid_request_error"),
            ContextLength,
        ),
        (
            Anthropic,
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            "Request exceeds the maximum size",
            Some("request_too_large"),
            RequestTooLarge,
        ),
        (
            Anthropic,
            504,
            r#"{"type":"error","error":{"type":"timeout_error","message":"Request timed out"}}"#,
            "Request timed out",
            Some("timeout_error"),
            UpstreamTimeout,
        ),
        (
            Anthropic,
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource"}}"#,
            "Your API key does not have permission to use the specified resource",
            Some("permission_error"),
            AuthPermission,
        ),
        (
            Anthropic,
            200,
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\"}}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
            "Overloaded",
            Some("overloaded_error"),
            Overloaded,
        ),
        (
            Anthropic,
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Number of concurrent connections has exceeded your rate limit."}}"#,
            "Number of concurrent connections has exceeded your rate limit.",
            Some("rate_limit_error"),
            RateLimitConcurrency,
        ),
        (
            Anthropic,
            0,
            "529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
            "Overloaded",
            Some("overloaded_error"),
            Overloaded,
        ),
    ]);
}

#[test]
fn openai_and_azure_errors_are_read() {
    check(&[
        (
            OpenAi,
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            "You exceeded your current quota, please check your plan and billing details.",
            Some("insufficient_quota"),
            BillingCreditExhausted,
        ),
        (
            OpenAi,
            503,
            r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}"#,
            "The engine is currently overloaded, please try again later",
            Some("server_error"),
            Overloaded,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
            "Country, region, or territory not supported",
            Some("unsupported_country_region_territory"),
            AccessRegion,
        ),
        (
            OpenAi,
            400,
            r#"{"detail":"Store must be set to false"}"#,
            "Store must be set to false",
            None,
            InvalidRequest,
        ),
        (
            OpenAi,
            401,
            r#"{"detail":{"code":"deactivated_workspace"}}"#,
            "deactivated_workspace",
            Some("deactivated_workspace"),
            AuthAccountDisabled,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
            "Previous response with id 'resp_1' not found.",
            Some("previous_response_not_found"),
            ConversationState,
        ),
        (
            OpenAi,
            401,
            r#"{"statusCode":401,"message":"Unauthorized. Access token is missing, invalid, audience is incorrect or have expired."}"#,
            "Unauthorized. Access token is missing, invalid, audience is incorrect or have expired.",
            None,
            AuthInvalidKey,
        ),
        (
            OpenAi,
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
            "The API deployment for this resource does not exist.",
            Some("DeploymentNotFound"),
            ModelNotFound,
        ),
        (
            OpenAi,
            200,
            r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"finish_reason":"content_filter","message":{"role":"assistant","content":null}}]}"#,
            "content_filter",
            Some("content_filter"),
            ContentFilter,
        ),
        (
            OpenAi,
            0,
            "Error code: 400 - {'error': {'message': \"Invalid 'input[3].id': it's wrong\", 'type': 'invalid_request_error', 'param': None, 'code': 'invalid_value'}}",
            "Invalid 'input[3].id': it's wrong",
            Some("invalid_value"),
            InvalidRequest,
        ),
        (
            OpenAi,
            0,
            r#"unexpected status 503 Service Unavailable: {"error":{"message":"no healthy upstream"}}"#,
            "no healthy upstream",
            None,
            NetworkConnect,
        ),
    ]);
}

#[test]
fn google_errors_are_read() {
    check(&[
        (
            Gemini,
            403,
            r#"{"error":{"code":403,"message":"Generative Language API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com","metadata":{}}]}}"#,
            "Generative Language API has not been used in project 1 before or it is disabled.",
            Some("SERVICE_DISABLED"),
            AuthPermission,
        ),
        (
            Gemini,
            403,
            r#"{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}"#,
            "Your API key was reported as leaked. Please use another API key.",
            Some("PERMISSION_DENIED"),
            AuthInvalidKey,
        ),
        (
            Gemini,
            401,
            r#"[{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}]"#,
            "Request had invalid authentication credentials.",
            Some("UNAUTHENTICATED"),
            AuthInvalidKey,
        ),
        (
            Gemini,
            200,
            r#"{"candidates":[{"finishReason":"RECITATION","index":0}]}"#,
            "RECITATION",
            Some("RECITATION"),
            ContentFilter,
        ),
        (
            Antigravity,
            429,
            r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
            "Resource has been exhausted (e.g. check quota).",
            Some("RESOURCE_EXHAUSTED"),
            RateLimitRequests,
        ),
        (
            Antigravity,
            200,
            "data: {\"error\": {\"code\": 429, \"message\": \"Resource has been exhausted (e.g. check quota).\", \"status\": \"RESOURCE_EXHAUSTED\",}}\n\n",
            "Resource has been exhausted (e.g. check quota).",
            Some("RESOURCE_EXHAUSTED"),
            RateLimitRequests,
        ),
        (
            Antigravity,
            403,
            r#"{"error":{"code":403,"message":"Verify your account to continue.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com"}]}}"#,
            "Verify your account to continue.",
            Some("VALIDATION_REQUIRED"),
            AuthPermission,
        ),
        (
            Gemini,
            400,
            r#"{"error":{"code":400,"message":"* GenerateContentRequest.contents: contents is not specified\n","status":"INVALID_ARGUMENT"}}"#,
            "* GenerateContentRequest.contents: contents is not specified",
            Some("INVALID_ARGUMENT"),
            InvalidRequest,
        ),
    ]);
}

#[test]
fn errors_of_services_that_speak_openai_are_read() {
    check(&[
        (
            OpenAi,
            400,
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{"type":"error","error":{"type":"invalid_request_error","message":"tools: too many"}}","provider_name":"X"}}}"#,
            "tools: too many",
            Some("invalid_request_error"),
            InvalidRequest,
        ),
        (
            OpenAi,
            429,
            r#"{"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
            "Requests rate limit exceeded",
            Some("1300"),
            RateLimitRequests,
        ),
        (
            OpenAi,
            422,
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","foo"],"msg":"Extra inputs are not permitted","input":1}]},"type":"invalid_request_error","param":null,"code":null}"#,
            "Extra inputs are not permitted",
            Some("extra_forbidden"),
            InvalidRequest,
        ),
        (
            OpenAi,
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
            "Insufficient Balance",
            Some("invalid_request_error"),
            BillingCreditExhausted,
        ),
        (
            OpenAi,
            403,
            r#"{"error":{"message":"Your chosen model requires moderation and your input was flagged for \"violence\".","code":403,"metadata":{"reasons":["violence"],"flagged_input":"..."}}}"#,
            "Your chosen model requires moderation and your input was flagged for \"violence\".",
            Some("403"),
            ContentFilter,
        ),
        (
            OpenAi,
            404,
            r#"{"error":{"message":"No endpoints found for nobody/none.","code":404},"user_id":"u"}"#,
            "No endpoints found for nobody/none.",
            Some("404"),
            ModelNotFound,
        ),
        (
            OpenAi,
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***yz."}"#,
            "Incorrect API key provided: xa***yz.",
            Some("Client specified an invalid argument"),
            AuthInvalidKey,
        ),
        (
            OpenAi,
            429,
            r#"{"message":"Tokens per minute limit exceeded - too many tokens processed.","type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}"#,
            "Tokens per minute limit exceeded - too many tokens processed.",
            Some("token_quota_exceeded"),
            RateLimitTokens,
        ),
        (
            OpenAi,
            400,
            r#"{"error":{"object":"error","type":"invalid_request_error","code":"model_decommissioned","message":"The model `m` has been decommissioned and is no longer supported."}}"#,
            "The model `m` has been decommissioned and is no longer supported.",
            Some("model_decommissioned"),
            ModelNotFound,
        ),
    ]);
}

#[test]
fn errors_of_proxies_and_transports_are_read() {
    check(&[
        (
            Anthropic,
            403,
            "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title></head><body></body></html>",
            "Just a moment...",
            None,
            AccessChallenge,
        ),
        (
            Anthropic,
            429,
            "error code: 1015",
            "error code: 1015",
            Some("1015"),
            RateLimitRequests,
        ),
        (
            Anthropic,
            502,
            "error code: 502",
            "error code: 502",
            Some("502"),
            BadGateway,
        ),
        (
            Anthropic,
            503,
            "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body></body></html>",
            "503 Service Temporarily Unavailable",
            None,
            Overloaded,
        ),
        (
            Anthropic,
            504,
            "upstream request timeout",
            "upstream request timeout",
            None,
            UpstreamTimeout,
        ),
        (Anthropic, 502, "", "502 Bad Gateway", None, BadGateway),
        (
            Anthropic,
            403,
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>r</RequestId></Error>",
            "Access Denied",
            Some("AccessDenied"),
            AuthPermission,
        ),
        (
            Anthropic,
            0,
            "connect ECONNREFUSED 127.0.0.1:9",
            "connect ECONNREFUSED 127.0.0.1:9",
            None,
            NetworkConnect,
        ),
        (
            Anthropic,
            0,
            "TypeError: fetch failed",
            "TypeError: fetch failed",
            None,
            NetworkReset,
        ),
        (
            Anthropic,
            0,
            "Client network socket disconnected before secure TLS connection was established",
            "Client network socket disconnected before secure TLS connection was established",
            None,
            NetworkReset,
        ),
        (
            Anthropic,
            0,
            "ThrottlingException: Too many tokens, please wait before trying again.",
            "Too many tokens, please wait before trying again.",
            Some("ThrottlingException"),
            RateLimitTokens,
        ),
        (Anthropic, 500, "null", "null", None, ServerError),
        (
            Anthropic,
            500,
            "{}",
            "500 Internal Server Error",
            None,
            ServerError,
        ),
        (
            Anthropic,
            500,
            "{\"error\":{\"message\":\"cut in the mid",
            "cut in the mid",
            None,
            ServerError,
        ),
    ]);
}

#[test]
fn headers_add_name_and_request_id() {
    let headers = [
        ("x-amzn-errortype", "ThrottlingException:http://x/"),
        ("x-amzn-requestid", "abc"),
    ];
    let got = said(
        Anthropic,
        429,
        &headers,
        br#"{"message":"Too many requests"}"#,
    );
    assert_eq!(got.name.as_deref(), Some("ThrottlingException"));
    assert_eq!(got.upstream_request_id.as_deref(), Some("abc"));
    assert_eq!(got.cause, RateLimitRequests);
}

#[test]
fn an_outer_message_and_the_parameter_become_detail() {
    let body = br#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"No\",\"param\":\"messages[2]\"}}","provider_name":"P"}}}"#;
    let got = said(OpenAi, 400, &[], body);
    assert_eq!(got.message, "No");
    let detail = got.detail.unwrap();
    assert!(
        detail.contains("param messages[2]") && detail.contains("provider P"),
        "{detail}"
    );
}

#[test]
fn what_may_be_anything_is_no_message_however_it_is_wrapped() {
    let words = "My sister's birthday is on Friday";
    for body in [
        words.to_owned(),
        format!("{words:?}"),
        format!("\"\\\"{words}\\\"\""),
        format!("[{words:?}]"),
        format!("{{\"response\": {words:?}}}"),
        format!("{{\"data\": [{words:?}]}}"),
        format!("data: {words}\n\n"),
        format!("data: {words:?}\n\n"),
    ] {
        let read = said(OpenAi, 502, &[], body.as_bytes());
        assert!(!read.message.contains("sister"), "{body}: {}", read.message);
        let detail = read.detail.unwrap_or_default();
        assert!(detail.contains("sister"), "{body}: {detail}");
    }
    for body in [
        format!("{{\"error\": {words:?}}}"),
        format!("{{\"errors\": [{words:?}]}}"),
        format!("{{\"message\": {words:?}}}"),
    ] {
        let read = said(OpenAi, 502, &[], body.as_bytes());
        assert_eq!(read.message, words, "{body}");
    }
}
