"""Two accounts, the first one fails: the client notices nothing, and the operator sees everything.
And where the client has to notice, because content was sent already, both see the same."""

from __future__ import annotations

import time
from typing import Any

import faults
import pytest
from calls import KINDS, STREAMS, TURN, Kind, headers_of, raised, refused_here
from clients import CLAUDE, GEMINI, GPT, claude, gemini, gpt
from servers import account_key, account_name


def breakages(kind: Kind) -> dict[str, dict[str, Any]]:
    """What the first account does instead of answering, before any content."""
    names = ("rate-limit", "server-error", "overloaded", "refused-credential")
    found = {name: faults.refusal(kind.platform, name) for name in names} | {"reset": faults.RESET}
    if kind.streamed:
        found["error-event-before-content"] = faults.stream_error(frames=0)
        found["ends-before-content"] = {"kind": "truncate", "frames": 0}
    return found


HIDDEN = [pytest.param(kind, name, id=f"{kind}-{name}") for kind in KINDS for name in breakages(kind)]


@pytest.mark.parametrize(("kind", "name"), HIDDEN)
def test_a_failing_first_account_is_hidden_from_the_client_and_not_from_the_operator(sim, gateway, kind: Kind, name: str):
    fault = breakages(kind)[name]
    # A reset has no status; what is not an answer of its own comes inside one with 200.
    status = None if name == "reset" else fault.get("status", 200)
    expected = kind.make(sim.target(kind.platform))
    sim.script([faults.rule(fault, key=account_key(kind.platform, 1))])

    assert kind.make(gateway.target) == expected

    events = gateway.upstream_errors(recovered="true")
    assert events, "the hidden failure is not among the upstream errors"
    for event in events:
        assert event["account_name"] == account_name(kind.platform, 1)
        assert event["platform"] == kind.platform and event["recovered"] is True
        assert event["upstream_status_code"] == status
        assert event["message"]
        assert event["duration_ms"] >= 0 and event["at_unix_ms"] > 0
        if "body" in fault:
            assert event["message"] == fault["body"]["error"]["message"]
    assert gateway.errors() == []
    (recovered,) = gateway.errors(recovered="true")
    assert recovered["recovered"] is True and recovered["request_id"] == events[0]["request_id"]
    assert recovered["upstream_error_count"] == len(events)


@pytest.mark.parametrize("kind", STREAMS, ids=str)
def test_an_error_event_after_content_reaches_the_client_and_is_listed_with_status_200(sim, gateway, kind: Kind):
    sim.script([faults.rule(faults.stream_error(frames=2))])

    direct = raised(kind, sim.target(kind.platform))
    error = raised(kind, gateway.target)

    assert type(error) is type(direct)
    (listed,) = gateway.errors()
    assert (listed["status_code"], listed["phase"], listed["stream"]) == (200, "upstream", True)
    assert listed["cause"] == "overloaded" and listed["error_owner"] == "provider"
    (event,) = gateway.upstream_errors()
    assert event["kind"] == "stream_error" and event["recovered"] is False


@pytest.mark.parametrize(
    ("fault", "causes"),
    [
        pytest.param({"kind": "truncate", "frames": 2}, {"stream.truncated"}, id="ends"),
        pytest.param({"kind": "cut", "how": "reset", "at": "mid_content"}, {"network.reset", "stream.truncated"}, id="is-reset"),
    ],
)
@pytest.mark.parametrize("kind", STREAMS, ids=str)
def test_a_stream_that_breaks_after_content_ends_with_an_error_the_sdk_understands(sim, gateway, kind: Kind, fault, causes):
    sim.script([faults.rule(fault)])

    error = raised(kind, gateway.target)

    assert refused_here(error), f"not an error event of the gateway: {error!r}"
    (listed,) = gateway.errors()
    assert listed["status_code"] == 200 and listed["cause"] in causes
    (event,) = gateway.upstream_errors()
    assert event["kind"] == "stream_truncated"


def test_a_client_that_leaves_in_the_middle_is_no_failure_of_the_service(sim, gateway):
    sim.script([faults.rule({"kind": "stall", "at": "mid_content"})])

    with claude(gateway.target) as client:
        events = client.messages.create(model=CLAUDE, max_tokens=64, messages=TURN, stream=True)
        for event in events:
            if event.type == "content_block_delta":
                break
        events.close()

    (listed,) = eventually(lambda: gateway.errors())
    assert (listed["status_code"], listed["cause"], listed["error_owner"]) == (499, "client_closed_request", "client")
    assert gateway.errors(view="errors") == []


def test_every_answer_names_its_request_and_how_many_attempts_it_took(sim, gateway):
    sim.script([faults.rule(faults.refusal("anthropic", "overloaded"), key=account_key("anthropic", 1))])

    with claude(gateway.target) as claude_client, gpt(gateway.target) as gpt_client, gemini(gateway.target) as gemini_client:
        raw = claude_client.messages.with_raw_response.create(model=CLAUDE, max_tokens=64, messages=TURN)
        answers = {
            "anthropic": dict(raw.headers),
            "openai": dict(gpt_client.chat.completions.with_raw_response.create(model=GPT, messages=TURN).headers),
            "gemini": gemini_client.models.generate_content(model=GEMINI, contents="Hi").sdk_http_response.headers,
        }

    headers = {platform: {name.lower(): value for name, value in found.items()} for platform, found in answers.items()}
    assert len({found["x-waybill-request-id"] for found in headers.values()}) == 3
    assert all("x-waybill-error-source" not in found for found in headers.values())
    assert headers["openai"]["x-waybill-attempts"] == headers["gemini"]["x-waybill-attempts"] == "1"
    events = gateway.upstream_errors(recovered="true")
    assert int(headers["anthropic"]["x-waybill-attempts"]) == len(events) + 1
    assert {event["request_id"] for event in events} == {headers["anthropic"]["x-waybill-request-id"]}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_compressed_answers_arrive_whole(sim, gateway, kind: Kind, encoding: str):
    expected = kind.make(sim.target(kind.platform))
    sim.script([{"encoding": encoding}])
    assert kind.make(gateway.target) == expected


def test_a_compressed_error_is_read_and_passed_on(sim, gateway):
    fault = faults.refusal("anthropic", "bad-request")
    sim.script([faults.rule(fault) | {"encoding": "gzip"}])

    error = raised(KINDS[0], gateway.target)

    assert type(error).__name__ == "BadRequestError"
    (event,) = gateway.upstream_errors()
    assert event["message"] == fault["body"]["error"]["message"]
    assert gateway.errors(request_id=headers_of(error)["x-waybill-request-id"])


def eventually(ask, seconds: float = 10.0):
    """The first answer that is not empty: for what happens after the client has gone."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)
