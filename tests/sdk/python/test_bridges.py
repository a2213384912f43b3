"""Clients of one protocol on accounts of another, on a good day: what an SDK's application sees is what it
would see of its own provider. The providers are strict: they refuse what real ones refuse."""

from __future__ import annotations

import pytest
from bridges import BRIDGES, Bridge
from servers import Gateway
from talks import TALKS, Messages, Talk

WAYS = [
    pytest.param(talk, bridge, id=f"{talk.name}-on-{bridge}")
    for talk in TALKS
    for bridge in BRIDGES.values()
    # OpenAI's clients have no paths there.
    if not (bridge.prefix and talk.protocol == "openai")
]
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@STREAMED
@pytest.mark.parametrize(("talk", "bridge"), WAYS)
def test_an_agent_comes_to_its_end(sim, bridges: Gateway, talk: type[Talk], bridge: Bridge, streamed: bool):
    sim.received()
    with talk(bridge.target(bridges), bridge.model("agent")) as agent:
        first = agent.ask(streamed)
        assert [call.name for call in first.calls] == ["weather", "clock"] and first.end == agent.ends["calls"]
        agent.tell([(first.calls[0], "21 degrees", False), (first.calls[1], "no such city", True)])
        second = agent.ask(streamed)
        assert [call.name for call in second.calls] == ["weather"] and second.end == agent.ends["calls"]
        agent.tell([(second.calls[0], "20 degrees", False)])
        last = agent.ask(streamed)

    assert last.end == agent.ends["turn"] and not last.calls
    assert "weather said «21 degrees»" in last.text and "weather said «20 degrees»" in last.text
    assert "clock said «" in last.text and "no such city" in last.text
    # A Chat client cannot hand back the signed thought without which Anthropic does not think on.
    forgets = talk.name == "chat" and bridge.name == "anthropic"
    for said in (first, second, last):
        assert bool(said.thought) == (bridge.name != "chat" and not (forgets and said is not first))
        read, cached, written = said.tokens
        assert read > cached and written > 0 and (cached > 0) == (said is not first)
    # Nothing was refused and tried otherwise; the picture went along, and what proves the thoughts.
    bodies = [request["body"] for request in sim.received()]
    assert len(bodies) == 3 and all("image" in body for body in bodies)
    if bridge.proof and talk.name != "chat":
        assert bridge.proof not in bodies[0] and bridge.proof in bodies[1] and bridge.proof in bodies[2]
    assert "skip_thought_signature_validator" not in bodies[2]


@STREAMED
@pytest.mark.parametrize("behaviour", ["max-tokens", "safety", "blocked", "slow-thinker-200ms"])
@pytest.mark.parametrize(("talk", "bridge"), WAYS)
def test_an_answer_ends_in_the_clients_words(bridges, talk: type[Talk], bridge: Bridge, behaviour: str, streamed: bool):
    with talk(bridge.target(bridges), bridge.model(behaviour)) as asked:
        said = asked.ask(streamed)
    # OpenAI's models refuse in words of their own, which end like any others.
    in_words = behaviour == "blocked" and bridge.platform == "openai" and asked.protocol != "anthropic"
    assert said.end == asked.ends["turn" if in_words or behaviour not in asked.ends else behaviour]
    assert bool(said.text) or behaviour == "blocked"


@pytest.mark.parametrize("name", ["anthropic", "gemini", "antigravity", "antigravity-path"])
def test_tokens_are_counted_over_a_bridge(bridges, name: str):
    bridge = BRIDGES[name]
    with Messages(bridge.target(bridges), bridge.model("agent")) as asked:
        call = {name: asked.call[name] for name in ("model", "system", "tools")}
        assert asked.client.messages.count_tokens(**call, messages=asked.turns).input_tokens > 0
