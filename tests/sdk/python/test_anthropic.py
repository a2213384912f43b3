"""The `anthropic` SDK: what an application does on a good day."""

from __future__ import annotations

import pytest
from clients import CLAUDE, async_claude, claude

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK = {"model": CLAUDE, "max_tokens": 256, "messages": [{"role": "user", "content": "Name three rivers of Europe."}]}


@pytest.fixture
def client(target_of):
    with claude(target_of("anthropic")) as client:
        yield client


def test_a_plain_message_has_text_and_usage(client):
    message = client.messages.create(**ASK)
    assert message.type == "message" and message.role == "assistant" and message.id
    assert message.content[0].type == "text" and message.content[0].text
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0


def test_a_streamed_message_adds_up_to_a_whole_one(client):
    with client.messages.stream(**ASK) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert len(pieces) > 1
    assert "".join(pieces) == message.content[0].text
    assert message.stop_reason == "end_turn" and message.usage.output_tokens > 0


def test_raw_stream_events_come_in_the_documented_order(client):
    kinds = [event.type for event in client.messages.create(**ASK, stream=True)]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert "content_block_start" in kinds and "content_block_delta" in kinds and "content_block_stop" in kinds


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_tool_is_called_and_its_result_is_answered(client, streamed):
    def ask(messages, **more):
        call = {"model": CLAUDE, "max_tokens": 256, "tools": [WEATHER], "messages": messages} | more
        if not streamed:
            return client.messages.create(**call)
        with client.messages.stream(**call) as stream:
            return stream.get_final_message()

    messages = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = ask(messages, tool_choice={"type": "tool", "name": "get_weather"})
    assert first.stop_reason == "tool_use"
    use = next(block for block in first.content if block.type == "tool_use")
    assert use.name == "get_weather" and isinstance(use.input, dict)

    result = {"type": "tool_result", "tool_use_id": use.id, "content": "18 degrees, sunny"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    last = ask(messages)
    assert last.stop_reason == "end_turn" and last.content[-1].type == "text" and last.content[-1].text


def test_thinking_comes_with_its_signature(client):
    message = client.messages.create(**ASK | {"max_tokens": 2048}, thinking={"type": "enabled", "budget_tokens": 1024})
    thought = next(block for block in message.content if block.type == "thinking")
    assert thought.thinking and thought.signature


def test_tokens_are_counted_without_an_answer(client):
    counted = client.messages.count_tokens(model=CLAUDE, messages=ASK["messages"])
    assert counted.input_tokens > 0


def test_the_models_are_listed(client):
    models = list(client.models.list())
    assert models and all(model.type == "model" and model.id for model in models)


def test_the_asynchronous_client_works_plain_and_streamed(target_of, run):
    async def both():
        async with async_claude(target_of("anthropic")) as client:
            plain = await client.messages.create(**ASK)
            async with client.messages.stream(**ASK) as stream:
                pieces = [piece async for piece in stream.text_stream]
                return plain, pieces, await stream.get_final_message()

    plain, pieces, streamed = run(both())
    assert plain.content[0].text
    assert len(pieces) > 1 and "".join(pieces) == streamed.content[0].text
