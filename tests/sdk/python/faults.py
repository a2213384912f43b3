"""What providers say when they refuse, as rules for the simulator. The texts are the tests' own: what
an SDK makes of a provider's error must not depend on who wrote it."""

from __future__ import annotations

from typing import Any


def status(code: int, body: Any, **headers: str) -> dict[str, Any]:
    """An answer with this status, body and headers (`retry_after` becomes `retry-after`)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"kind": "http", "status": code, "headers": named, "body": body}


def anthropic(code: int, kind: str, message: str, **headers: str) -> dict[str, Any]:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011sdk"}
    return status(code, body, request_id="req_011sdk", **headers)


def openai(code: int, kind: str, word: str | None, message: str, param: str | None = None, **headers: str) -> dict[str, Any]:
    return status(code, {"error": {"message": message, "type": kind, "param": param, "code": word}}, **headers)


def gemini(code: int, word: str, message: str, details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": word}
    return status(code, {"error": error | ({"details": details} if details else {})})


RESET = {"kind": "cut", "how": "reset", "at": "before_headers"}

# Errors that are about the request, or that every account of the pool answers alike: the client is to
# see exactly what the provider said. Name → what it is raised as, and the answer.
SURFACED: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "anthropic": {
        "bad-request": (
            "BadRequestError",
            anthropic(400, "invalid_request_error", "messages: at least one message is required"),
        ),
        "context-length": (
            "BadRequestError",
            anthropic(400, "invalid_request_error", "prompt is too long: 250013 tokens > 200000 maximum"),
        ),
        "not-found": ("NotFoundError", anthropic(404, "not_found_error", "model: claude-sonnet-4-5")),
        "rate-limit": (
            "RateLimitError",
            anthropic(
                429, "rate_limit_error", "This request would exceed your rate limit of 50 requests per minute.",
                retry_after="17", anthropic_ratelimit_requests_remaining="0",
            ),
        ),
        "server-error": ("InternalServerError", anthropic(500, "api_error", "Internal server error")),
        "overloaded": ("OverloadedError", anthropic(529, "overloaded_error", "Overloaded")),
    },
    "openai": {
        "bad-request": (
            "BadRequestError",
            openai(400, "invalid_request_error", "unsupported_value", "Unsupported value: 'temperature'.", "temperature"),
        ),
        "context-length": (
            "BadRequestError",
            openai(400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 400000 tokens."),
        ),
        "not-found": (
            "NotFoundError",
            openai(404, "invalid_request_error", "model_not_found", "The model `gpt-5-mini` does not exist or you do not have access to it."),
        ),
        "unprocessable": ("UnprocessableEntityError", openai(422, "invalid_request_error", None, "input[0] cannot be processed")),
        "rate-limit": (
            "RateLimitError",
            openai(
                429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt-5-mini on requests per min (RPM).",
                retry_after="17", x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="17s",
            ),
        ),
        "server-error": ("InternalServerError", openai(500, "server_error", None, "The server had an error.")),
        "overloaded": (
            "InternalServerError",
            openai(503, "server_error", "server_is_overloaded", "The engine is currently overloaded.", retry_after="3"),
        ),
    },
    "gemini": {
        "bad-request": ("ClientError", gemini(400, "INVALID_ARGUMENT", "Invalid value at 'generation_config.temperature'")),
        "not-found": ("ClientError", gemini(404, "NOT_FOUND", "models/gemini-2.5-flash is not found for API version v1beta")),
        "rate-limit": (
            "ClientError",
            gemini(
                429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).",
                [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}],
            ),
        ),
        "server-error": ("ServerError", gemini(500, "INTERNAL", "An internal error has occurred.")),
        "overloaded": ("ServerError", gemini(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")),
    },
}

# The pool's own credential fails: no business of the client, who must not be told to look at its key.
REFUSED_CREDENTIAL = {
    "anthropic": anthropic(401, "authentication_error", "invalid x-api-key"),
    "openai": openai(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "gemini": gemini(403, "PERMISSION_DENIED", "Permission denied on the project."),
}


def rule(fault: dict[str, Any], key: str | None = None, times: int | None = None) -> dict[str, Any]:
    """Hits every request, or only those that present this account's key, or only the first few."""
    return {"fault": fault} | ({"key": key} if key else {}) | ({"times": times} if times else {})
