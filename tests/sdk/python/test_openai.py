"""The `openai` SDK: chat completions, responses and embeddings on a good day."""

from __future__ import annotations

import json

import pytest
from clients import EMBEDDING, GPT, async_gpt, gpt

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}
RESPONSES_TOOL = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": False}
CHAT = {"model": GPT, "messages": [{"role": "user", "content": "Name three rivers of Europe."}]}
RESPONSE = {"model": GPT, "input": "Name three rivers of Europe."}


@pytest.fixture
def client(target_of):
    with gpt(target_of("openai")) as client:
        yield client


def test_a_plain_completion_has_text_and_usage(client):
    completion = client.chat.completions.create(**CHAT)
    assert completion.object == "chat.completion" and completion.id
    assert completion.choices[0].message.content and completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_a_streamed_completion_ends_with_its_usage(client):
    chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    pieces = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert len(pieces) > 1 and reasons == ["stop"]
    assert chunks[-1].usage.completion_tokens > 0


def test_a_streamed_completion_without_the_option_has_no_usage(client):
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_chat_tool_is_called_and_its_result_is_answered(client, streamed):
    def ask(messages, **more):
        call = {"model": GPT, "messages": messages, "tools": [CHAT_TOOL]} | more
        if not streamed:
            return client.chat.completions.create(**call).choices[0]
        with client.chat.completions.stream(**call) as stream:
            return stream.get_final_completion().choices[0]

    messages = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = ask(messages, tool_choice={"type": "function", "function": {"name": "get_weather"}})
    call = first.message.tool_calls[0]
    assert call.function.name == "get_weather" and isinstance(json.loads(call.function.arguments), dict)

    echoed = {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": call.function.arguments}}
    messages += [
        {"role": "assistant", "content": None, "tool_calls": [echoed]},
        {"role": "tool", "tool_call_id": call.id, "content": "18 degrees, sunny"},
    ]
    last = ask(messages)
    assert last.finish_reason == "stop" and last.message.content and not last.message.tool_calls


def test_a_plain_response_has_text_and_usage(client):
    response = client.responses.create(**RESPONSE)
    assert response.status == "completed" and response.output_text and response.error is None
    assert response.usage.total_tokens > 0


def test_a_streamed_response_adds_up_to_a_whole_one(client):
    events = list(client.responses.create(**RESPONSE, stream=True))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == sorted({event.sequence_number for event in events})
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) > 1 and "".join(pieces) == events[-1].response.output_text


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_response_tool_is_called_and_its_result_is_answered(client, streamed):
    def ask(items, **more):
        call = {"model": GPT, "input": items, "tools": [RESPONSES_TOOL]} | more
        if not streamed:
            return client.responses.create(**call)
        with client.responses.stream(**call) as stream:
            return stream.get_final_response()

    items = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = ask(items, tool_choice={"type": "function", "name": "get_weather"})
    call = next(item for item in first.output if item.type == "function_call")
    assert call.name == "get_weather" and isinstance(json.loads(call.arguments), dict)

    echoed = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
    items += [echoed, {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees, sunny"}]
    last = ask(items)
    assert last.status == "completed" and last.output_text


def test_texts_are_embedded_in_order(client):
    answer = client.embeddings.create(model=EMBEDDING["openai"], input=["one river", "two rivers"])
    assert [item.index for item in answer.data] == [0, 1]
    assert all(isinstance(number, float) for item in answer.data for number in item.embedding)
    assert answer.data[0].embedding != answer.data[1].embedding
    assert answer.usage.prompt_tokens > 0


def test_the_models_are_listed(client):
    models = list(client.models.list())
    assert models and all(model.object == "model" and model.id for model in models)


def test_the_asynchronous_client_works_plain_and_streamed(target_of, run):
    async def all_three():
        async with async_gpt(target_of("openai")) as client:
            plain = await client.chat.completions.create(**CHAT)
            chunks = [chunk async for chunk in await client.chat.completions.create(**CHAT, stream=True)]
            events = [event async for event in await client.responses.create(**RESPONSE, stream=True)]
            return plain, chunks, events

    plain, chunks, events = run(all_three())
    assert plain.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert events[-1].type == "response.completed"
