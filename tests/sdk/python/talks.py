"""Conversations as agents have them: one class for each way in which an SDK is talked to, all of the same
shape, so that a test need not know which it is. Each thinks, shows a picture, and offers two tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import openai
from clients import claude, gemini, gpt
from google.genai import types
from servers import Target

QUESTION = "How warm is it where this was taken, and how late?"
SYSTEM = "Be brief."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOLS = ("weather", "clock")


@dataclass(frozen=True)
class Call:
    """A tool is to be called."""

    id: str | None
    name: str
    arguments: Any


@dataclass(frozen=True)
class Said:
    """An answer. `tokens`: read, of these from the cache, written."""

    text: str
    thought: str
    calls: list[Call]
    end: str
    tokens: tuple[int, int, int]


class Talk:
    """One conversation. `ends`: why an answer ended, in this protocol's words."""

    name: str
    protocol: str
    ends: dict[str, str]

    def ask(self, streamed: bool) -> Said:
        """Asks, and keeps the answer for the next time, as the SDK gave it."""
        raise NotImplementedError

    def tell(self, results: list[tuple[Call, str, bool]]) -> None:
        """Says what tools answered, and whether that is a failure."""
        raise NotImplementedError

    def close(self) -> None:
        self.client.close()

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Messages(Talk):
    name, protocol = "messages", "anthropic"
    ends = {"turn": "end_turn", "calls": "tool_use", "max-tokens": "max_tokens", "safety": "refusal", "blocked": "refusal"}

    def __init__(self, target: Target, model: str, **more: Any) -> None:
        self.client = claude(target)
        tools = [{"name": name, "description": f"A {name}.", "input_schema": SCHEMA} for name in TOOLS]
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        self.turns: list[Any] = [{"role": "user", "content": [picture, {"type": "text", "text": QUESTION}]}]
        thinking = {"type": "enabled", "budget_tokens": 1024}
        self.call = {"model": model, "max_tokens": 4096, "system": SYSTEM, "tools": tools, "thinking": thinking} | more

    def ask(self, streamed: bool) -> Said:
        call = self.call | {"messages": self.turns}
        if streamed:
            with self.client.messages.stream(**call) as stream:
                answer = stream.get_final_message()
        else:
            answer = self.client.messages.create(**call)
        self.turns.append({"role": "assistant", "content": answer.content})
        usage, blocks = answer.usage, answer.content
        cached = usage.cache_read_input_tokens or 0
        return Said(
            "".join(block.text for block in blocks if block.type == "text"),
            "".join(block.thinking for block in blocks if block.type == "thinking"),
            [Call(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"],
            answer.stop_reason or "",
            (usage.input_tokens + cached, cached, usage.output_tokens),
        )

    def tell(self, results: list[tuple[Call, str, bool]]) -> None:
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}
            for call, text, failed in results
        ]
        self.turns.append({"role": "user", "content": blocks})


class Chat(Talk):
    name, protocol = "chat", "openai"
    ends = {
        "turn": "stop", "calls": "tool_calls", "max-tokens": "length", "safety": "content_filter", "blocked": "content_filter",
    }

    def __init__(self, target: Target, model: str, **more: Any) -> None:
        self.client = gpt(target)
        tools = [
            {"type": "function", "function": {"name": name, "description": f"A {name}.", "parameters": SCHEMA}} for name in TOOLS
        ]
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        asked = {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}
        self.turns: list[Any] = [{"role": "system", "content": SYSTEM}, asked]
        self.call = {"model": model, "tools": tools, "reasoning_effort": "low"} | more

    def ask(self, streamed: bool) -> Said:
        call = self.call | {"messages": self.turns}
        if streamed:
            # The helper raises for an answer that was cut off; what came is in the exception, or in its state.
            with self.client.chat.completions.stream(**call, stream_options={"include_usage": True}) as stream:
                try:
                    answer = stream.get_final_completion()
                except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
                    answer = stream.current_completion_snapshot
        else:
            answer = self.client.chat.completions.create(**call)
        choice, usage = answer.choices[0], answer.usage
        self.turns.append(given_back(choice.message))
        details = usage.prompt_tokens_details
        return Said(
            choice.message.content or choice.message.refusal or "",
            (choice.message.model_extra or {}).get("reasoning_content") or "",
            [Call(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []],
            choice.finish_reason,
            (usage.prompt_tokens, (details.cached_tokens if details else 0) or 0, usage.completion_tokens),
        )

    def tell(self, results: list[tuple[Call, str, bool]]) -> None:
        self.turns += [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text, _ in results]


class Responses(Talk):
    name, protocol = "responses", "openai"
    ends = {
        "turn": "completed", "calls": "completed", "max-tokens": "max_output_tokens",
        "safety": "content_filter", "blocked": "content_filter",
    }

    def __init__(self, target: Target, model: str, **more: Any) -> None:
        self.client = gpt(target)
        tools = [
            {"type": "function", "name": name, "description": f"A {name}.", "parameters": SCHEMA, "strict": False} for name in TOOLS
        ]
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
        self.turns: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}, picture]}]
        kept = {"store": False, "include": ["reasoning.encrypted_content"]}
        thinking = {"effort": "low", "summary": "auto"}
        self.call = {"model": model, "instructions": SYSTEM, "tools": tools, "reasoning": thinking, **kept} | more

    def ask(self, streamed: bool) -> Said:
        call = self.call | {"input": self.turns}
        if streamed:
            # The helper's last word is for complete answers only; one that was cut off has its own event.
            with self.client.responses.stream(**call) as stream:
                ends = [event.response for event in stream if event.type in ("response.completed", "response.incomplete")]
            (answer,) = ends
        else:
            answer = self.client.responses.create(**call)
        self.turns += [given_back(item) for item in answer.output]
        usage = answer.usage
        refusals = [
            part.refusal for item in answer.output if item.type == "message" for part in item.content if part.type == "refusal"
        ]
        return Said(
            answer.output_text or "".join(refusals),
            "".join(part.text for item in answer.output if item.type == "reasoning" for part in item.summary),
            [Call(item.call_id, item.name, item.arguments) for item in answer.output if item.type == "function_call"],
            answer.incomplete_details.reason if answer.incomplete_details else answer.status,
            (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens),
        )

    def tell(self, results: list[tuple[Call, str, bool]]) -> None:
        self.turns += [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text, _ in results]


class Content(Talk):
    name, protocol = "content", "gemini"
    ends = {"turn": "STOP", "calls": "STOP", "max-tokens": "MAX_TOKENS", "safety": "SAFETY", "blocked": "SAFETY"}

    def __init__(self, target: Target, model: str, **more: Any) -> None:
        self.client = gemini(target)
        self.model = model
        declared = [{"name": name, "description": f"A {name}.", "parameters_json_schema": SCHEMA} for name in TOOLS]
        picture = types.Part.from_bytes(data=b"\x89PNG not looked at", mime_type="image/png")
        self.turns: list[Any] = [types.Content(role="user", parts=[picture, types.Part(text=QUESTION)])]
        self.config = {
            "system_instruction": SYSTEM,
            "tools": [{"function_declarations": declared}],
            "thinking_config": {"include_thoughts": True, "thinking_budget": 1024},
            "automatic_function_calling": {"disable": True},
        } | more

    def ask(self, streamed: bool) -> Said:
        call = {"model": self.model, "contents": self.turns, "config": self.config}
        if streamed:
            chunks = list(self.client.models.generate_content_stream(**call))
        else:
            chunks = [self.client.models.generate_content(**call)]
        candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
        parts = [part for one in candidates if one.content for part in one.content.parts or []]
        self.turns.append(types.Content(role="model", parts=parts))
        reasons = [one.finish_reason for one in candidates if one.finish_reason]
        blocked = [chunk.prompt_feedback.block_reason for chunk in chunks if chunk.prompt_feedback]
        usage = chunks[-1].usage_metadata
        return Said(
            "".join(part.text for part in parts if part.text and not part.thought),
            "".join(part.text for part in parts if part.text and part.thought),
            [Call(part.function_call.id, part.function_call.name, part.function_call.args) for part in parts if part.function_call],
            (blocked or reasons)[-1].value,
            (
                usage.prompt_token_count, usage.cached_content_token_count or 0,
                (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            ),
        )

    def tell(self, results: list[tuple[Call, str, bool]]) -> None:
        parts = [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"error" if failed else "output": text}))
            for call, text, failed in results
        ]
        self.turns.append(types.Content(role="user", parts=parts))


def given_back(model: Any) -> Any:
    """What an SDK read, as it is sent back: without what its helpers for streams add for the application."""
    added = ("parsed", "parsed_arguments")

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items() if name not in added and inner is not None}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    return plain(model.to_dict())


TALKS = (Messages, Chat, Responses, Content)
