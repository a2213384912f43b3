"""One call of each kind, by name, and what an SDK made of it: the same for every client and target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clients import CLAUDE, GEMINI, GPT, claude, gemini, gpt
from servers import Target

QUESTION = "Name three rivers of Europe."
TURN = [{"role": "user", "content": QUESTION}]


@dataclass(frozen=True)
class Kind:
    """An endpoint as an application uses it. `make` returns the text of the whole answer."""

    name: str
    platform: str
    model: str
    streamed: bool
    make: Callable[[Target], str]

    def __str__(self) -> str:
        return self.name


def message(target: Target) -> str:
    with claude(target) as client:
        return client.messages.create(model=CLAUDE, max_tokens=256, messages=TURN).content[0].text


def message_stream(target: Target) -> str:
    with claude(target) as client, client.messages.stream(model=CLAUDE, max_tokens=256, messages=TURN) as stream:
        return "".join(stream.text_stream)


def chat(target: Target) -> str:
    with gpt(target) as client:
        return client.chat.completions.create(model=GPT, messages=TURN).choices[0].message.content or ""


def chat_stream(target: Target) -> str:
    with gpt(target) as client, client.chat.completions.create(model=GPT, messages=TURN, stream=True) as chunks:
        return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def response(target: Target) -> str:
    with gpt(target) as client:
        return client.responses.create(model=GPT, input=QUESTION).output_text


def response_stream(target: Target) -> str:
    """The SDK hands failures inside this stream on as events; an application has to look at them."""
    text = ""
    with gpt(target) as client, client.responses.create(model=GPT, input=QUESTION, stream=True) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.completed":
                return text
            elif event.type in ("error", "response.failed"):
                raise StreamFailed(event.to_dict())
    raise StreamFailed({"type": "ended without response.completed"})


def content(target: Target) -> str:
    with gemini(target) as client:
        return client.models.generate_content(model=GEMINI, contents=QUESTION).text or ""


def content_stream(target: Target) -> str:
    with gemini(target) as client:
        chunks = list(client.models.generate_content_stream(model=GEMINI, contents=QUESTION))
    if not chunks or not chunks[-1].candidates or not chunks[-1].candidates[0].finish_reason:
        raise StreamFailed({"type": "ended without finishReason"})
    return "".join(chunk.text or "" for chunk in chunks)


class StreamFailed(Exception):
    """A stream told of a failure, or ended early, in a way for which the SDK raises nothing."""


KINDS = [
    Kind("message", "anthropic", CLAUDE, False, message),
    Kind("message-stream", "anthropic", CLAUDE, True, message_stream),
    Kind("chat", "openai", GPT, False, chat),
    Kind("chat-stream", "openai", GPT, True, chat_stream),
    Kind("response", "openai", GPT, False, response),
    Kind("response-stream", "openai", GPT, True, response_stream),
    Kind("content", "gemini", GEMINI, False, content),
    Kind("content-stream", "gemini", GEMINI, True, content_stream),
]
STREAMS = [kind for kind in KINDS if kind.streamed]


def raised(kind: Kind, target: Target) -> Exception:
    """The exception that the call ends with."""
    try:
        text = kind.make(target)
    except Exception as error:  # noqa: BLE001 - which exception it is, is what the tests ask
        return error
    raise AssertionError(f"{kind} was answered with {text!r} and not with an error")


def headers_of(error: Exception) -> dict[str, str]:
    """The headers of the answer that an exception carries, names in lower case."""
    answer: Any = getattr(error, "response", None)
    return {} if answer is None else {name.lower(): value for name, value in answer.headers.items()}


def refused_here(error: Exception) -> bool:
    """Whether it is one of the gateway's own refusals, which have types of their own: `waybill_…`."""
    # Where an SDK keeps the type differs: the body as it was parsed, or as a whole in `details`.
    parts = (str(error), getattr(error, "body", None), getattr(error, "details", None))
    return any("waybill_" in str(part) for part in parts)
