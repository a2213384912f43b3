"""The `google-genai` SDK: what an application does on a good day."""

from __future__ import annotations

import pytest
from clients import EMBEDDING, GEMINI, gemini
from google.genai import types

ASK = {"model": GEMINI, "contents": "Name three rivers of Europe."}


@pytest.fixture
def client(target_of):
    with gemini(target_of("gemini")) as client:
        yield client


def test_plain_content_has_text_and_usage(client):
    answer = client.models.generate_content(**ASK)
    assert answer.text and answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.prompt_token_count > 0 and answer.usage_metadata.candidates_token_count > 0


def test_streamed_content_ends_with_reason_and_usage(client):
    chunks = list(client.models.generate_content_stream(**ASK))
    assert len(chunks) > 1 and "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.candidates_token_count > 0


def test_a_function_is_called_and_its_result_is_answered_by_the_sdk_itself(client):
    asked = []

    def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: The city's name.
        """
        asked.append(city)
        return "18 degrees, sunny"

    config = types.GenerateContentConfig(tools=[get_weather])
    answer = client.models.generate_content(model=GEMINI, contents="Use get_weather for Lisbon.", config=config)
    assert len(asked) == 1
    assert answer.text


def test_a_declared_function_is_called_in_a_stream(client):
    declared = types.FunctionDeclaration(
        name="get_weather",
        parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]),
    )
    forced = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])], tool_config=forced)
    chunks = list(client.models.generate_content_stream(model=GEMINI, contents="Weather in Lisbon?", config=config))
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [call.name for call in calls] == ["get_weather"] and isinstance(calls[0].args, dict)


def test_a_chat_remembers_its_turns(client):
    chat = client.chats.create(model=GEMINI)
    assert chat.send_message("Name a river.").text
    assert chat.send_message("Name another one.").text
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


def test_tokens_are_counted_without_an_answer(client):
    assert client.models.count_tokens(**ASK).total_tokens > 0


def test_texts_are_embedded_in_order(client):
    answer = client.models.embed_content(model=EMBEDDING["gemini"], contents=["one river", "two rivers"])
    first, second = answer.embeddings
    assert first.values and first.values != second.values


def test_the_models_are_listed(client):
    models = list(client.models.list())
    assert models and all(model.name.startswith("models/") for model in models)


def test_the_asynchronous_client_works_plain_and_streamed(target_of, run):
    async def both():
        async with gemini(target_of("gemini")).aio as client:
            plain = await client.models.generate_content(**ASK)
            return plain, [chunk async for chunk in await client.models.generate_content_stream(**ASK)]

    plain, chunks = run(both())
    assert plain.text
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
