"""The official SDKs, unmodified but for base URL and key."""

from __future__ import annotations

import anthropic
import openai
from google import genai
from google.genai import types

from servers import MODELS, Target

CLAUDE, GPT, GEMINI = MODELS["anthropic"], MODELS["openai"], MODELS["gemini"]
EMBEDDING = {"openai": "text-embedding-3-small", "gemini": "gemini-embedding-001"}


def claude(target: Target, max_retries: int = 0) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=target.url, api_key=target.key, max_retries=max_retries)


def async_claude(target: Target) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=target.url, api_key=target.key, max_retries=0)


def gpt(target: Target, max_retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{target.url}/v1", api_key=target.key, max_retries=max_retries)


def async_gpt(target: Target) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{target.url}/v1", api_key=target.key, max_retries=0)


def gemini(target: Target, attempts: int = 1) -> genai.Client:
    """Synchronous by itself, asynchronous through its `aio`."""
    options = types.HttpOptions(base_url=target.url, retry_options=types.HttpRetryOptions(attempts=attempts))
    return genai.Client(api_key=target.key, http_options=options)
