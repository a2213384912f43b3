"""What reaches the provider through the gateway is what the SDK would have sent it, but for the key."""

from __future__ import annotations

import json

import pytest
from calls import KINDS, TURN, Kind
from clients import claude, gemini, gpt
from servers import ALIAS, CLIENT_KEY, MODELS, account_key

PASSED_ON = (
    "content-type", "user-agent", "anthropic-version", "anthropic-beta", "openai-organization", "openai-project",
    "x-goog-api-client",
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_provider_receives_the_same_bytes_and_headers_and_another_key(sim, shared_gateway, kind: Kind):
    sim.received()
    assert kind.make(sim.target(kind.platform)) == kind.make(shared_gateway.target)
    direct, forwarded = sim.received()

    for part in ("method", "path", "body"):
        assert forwarded[part] == direct[part]
    sent, arrived = dict(direct["headers"]), dict(forwarded["headers"])
    for name in PASSED_ON:
        assert arrived.get(name) == sent.get(name), name
    assert forwarded["key"] == account_key(kind.platform, 1)
    assert CLIENT_KEY not in json.dumps(forwarded)


def test_optional_headers_and_query_strings_pass(sim, shared_gateway):
    target = shared_gateway.target
    sim.received()
    with claude(target) as client:
        client.messages.create(
            model=MODELS["anthropic"], max_tokens=8, messages=TURN,
            extra_headers={"anthropic-beta": "context-1m-2025-08-07"}, extra_query={"beta": "true"},
            extra_body={"a_field_of_tomorrow": {"deep": [1, 2.50, "three"]}},
        )
    with gpt(target) as client:
        client.chat.completions.create(model=MODELS["openai"], messages=TURN, extra_headers={"openai-organization": "org-suite"})
    first, second = sim.received()

    assert dict(first["headers"])["anthropic-beta"] == "context-1m-2025-08-07"
    assert first["path"] == "/v1/messages?beta=true"
    assert json.loads(first["body"])["a_field_of_tomorrow"] == {"deep": [1, 2.50, "three"]}
    assert dict(second["headers"])["openai-organization"] == "org-suite"


def test_a_mapped_model_is_renamed_for_the_provider_and_nothing_else_is(sim, shared_gateway):
    target = shared_gateway.target
    sim.received()
    with claude(target) as client:
        client.messages.create(model=ALIAS, max_tokens=8, messages=TURN)
    with gpt(target) as client:
        client.responses.create(model=ALIAS, input="Hi")
    with gemini(target) as client:
        client.models.generate_content(model=ALIAS, contents="Hi")
    anthropic_call, openai_call, gemini_call = sim.received()

    assert json.loads(anthropic_call["body"]) == {"model": MODELS["anthropic"], "max_tokens": 8, "messages": TURN}
    assert json.loads(openai_call["body"]) == {"model": MODELS["openai"], "input": "Hi"}
    assert gemini_call["path"].endswith(f"/models/{MODELS['gemini']}:generateContent")
    assert ALIAS not in json.dumps([anthropic_call, openai_call, gemini_call])
