"""Errors over a bridge: the SDK raises what it has for an error of this kind, with the other provider's words
inside; what the other side cannot say is refused by the client's name for it."""

from __future__ import annotations

import faults
import pytest
from bridges import BRIDGES
from calls import headers_of
from talks import Chat, Content, Messages, Responses, Talk

# The client, the account, and the exceptions for 400, 429 and 503.
OPENAI = ("BadRequestError", "RateLimitError", "InternalServerError")
ANTHROPIC = ("BadRequestError", "RateLimitError", "OverloadedError")
GOOGLE = ("ClientError", "ClientError", "ServerError")
WAYS = [
    (Messages, "gemini", ANTHROPIC), (Messages, "antigravity", ANTHROPIC), (Messages, "responses", ANTHROPIC),
    (Content, "antigravity", GOOGLE), (Content, "anthropic", GOOGLE),
    (Chat, "anthropic", OPENAI), (Responses, "anthropic", OPENAI), (Responses, "chat", OPENAI), (Chat, "responses", OPENAI),
]
KINDS = ("bad-request", "rate-limit", "overloaded")
REFUSALS = [
    pytest.param(talk, bridge, kind, raised, id=f"{talk.name}-on-{bridge}-{kind}")
    for talk, bridge, classes in WAYS
    for kind, raised in zip(KINDS, classes)
]
# A field that the account's provider lacks, in the client's spelling.
UNSAYABLE = [
    (Messages, "responses", {"extra_body": {"top_k": 5}}, "top_k"),
    (Messages, "chat", {"extra_body": {"top_k": 5}}, "top_k"),
    (Content, "responses", {"top_k": 5}, "topK"),
    (Chat, "anthropic", {"logprobs": True}, "logprobs"),
    (Responses, "anthropic", {"previous_response_id": "resp_1"}, "previous_response_id"),
]


def raised_by(talk: Talk, streamed: bool) -> Exception:
    with talk, pytest.raises(Exception) as caught:
        talk.ask(streamed)
    return caught.value


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("talk", "name", "kind", "raised"), REFUSALS)
def test_a_providers_refusal_is_the_sdks_own_exception(sim, own_bridges, talk, name, kind, raised, streamed):
    bridge = BRIDGES[name]
    refusal = faults.refusal("gemini" if bridge.platform == "antigravity" else bridge.platform, kind)
    sim.script([faults.rule(refusal)])

    error = raised_by(talk(bridge.target(own_bridges), bridge.model("agent")), streamed)

    assert type(error).__name__ == raised
    assert refusal["body"]["error"]["message"] in str(error)
    if kind == "rate-limit":
        assert headers_of(error)["retry-after"] in ("16", "17")


@pytest.mark.parametrize(("talk", "name", "more", "field"), UNSAYABLE)
def test_what_the_other_side_lacks_is_refused_by_its_name(sim, bridges, talk, name, more, field):
    bridge = BRIDGES[name]
    sim.received()

    error = raised_by(talk(bridge.target(bridges), bridge.model("agent"), **more), False)

    assert type(error).__name__ in ("BadRequestError", "ClientError")
    assert "waybill_untranslatable" in f"{getattr(error, 'body', '')}{error}" and field in str(error)
    assert sim.received() == []


@pytest.mark.parametrize(("talk", "name"), [pytest.param(talk, name, id=f"{talk.name}-on-{name}") for talk, name, _ in WAYS])
def test_an_error_inside_a_stream_is_raised(sim, own_bridges, talk, name):
    bridge = BRIDGES[name]
    sim.script([faults.rule(faults.stream_error(2))])

    error = raised_by(talk(bridge.target(own_bridges), bridge.model("agent")), True)

    assert type(error).__name__ in ("APIError", "APIStatusError", "OverloadedError", "InternalServerError", "ServerError")
