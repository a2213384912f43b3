"""What a provider is told to do wrong, as rules for the simulator. What it says when it refuses stands
in `provider-errors.json`, which the TypeScript suite reads too: the texts are the tests' own, so that
what an SDK makes of them does not depend on who wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ANSWERS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "provider-errors.json").read_text())

RESET = {"kind": "cut", "how": "reset", "at": "before_headers"}


def surfaced(platform: str) -> list[str]:
    """Errors about the request, or that every account of the pool answers alike: the client is to see
    exactly what the provider said."""
    return [name for name, answer in ANSWERS[platform].items() if answer["python"]]


def raised_as(platform: str, name: str) -> str:
    """The class of the exception that the SDK makes of it."""
    return ANSWERS[platform][name]["python"]


def refusal(platform: str, name: str) -> dict[str, Any]:
    """The provider's answer of that name, word for word."""
    answer = ANSWERS[platform][name]
    return {"kind": "http", **{part: answer[part] for part in ("status", "headers", "body")}}


def stream_error(frames: int) -> dict[str, Any]:
    """A `200` stream that tells of an error, in the protocol's own shape, after so many frames of content."""
    return {"kind": "stream_error", "error": "overloaded", "frames": frames}


def rule(fault: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """Hits every request, or only those that present this account's key."""
    return {"fault": fault} | ({"key": key} if key else {})
