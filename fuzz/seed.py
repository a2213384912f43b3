#!/usr/bin/env python3
"""Makes the corpora that fuzzing begins with, out of the fixtures of the tests: `fuzz/corpus/<target>`."""

import json
import pathlib

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "crates/wire/tests/fixtures"

# `Endpoint::ALL` and `Platform::ALL`, by their places.
CLIENTS = {"messages": [0], "chat": [2], "responses": [3], "gemini": [5]}
# The low bits pick the platform, the next two which APIs an OpenAI account speaks.
PROVIDERS = {"messages": [0], "chat": [1 | 1 << 2], "responses": [1 | 2 << 2], "gemini": [2, 3]}
STREAMS = {"messages": 0, "chat": 2, "responses": 3, "gemini": 6}


def put(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data)


def schemas(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("parameters", "input_schema", "schema", "parametersJsonSchema", "responseJsonSchema"):
                yield inner
            yield from schemas(inner)
    if isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


def wrapped(body, stream):
    """The same in Code Assist's envelope."""
    if not stream:
        return b'{"response":' + body + b"}"
    lines = [b'data: {"response":' + line[5:].strip() + b"}" if line.startswith(b"data:") else line for line in body.splitlines()]
    return b"\n".join(lines) + b"\n"


def main():
    count = 0
    for path in sorted(FIXTURES.rglob("*")):
        if not path.is_file():
            continue
        dialect, kind = path.parts[-3], path.parts[-2]
        body = path.read_bytes()
        name = f"{dialect}-{path.stem}-{path.suffix[1:]}"
        others = [other for other in CLIENTS if other != dialect]
        if kind == "request":
            put("peek", name, bytes([CLIENTS[dialect][0] << 1]) + body)
            for other in others:
                for provider in PROVIDERS[other]:
                    put("request", f"{name}-{provider}", bytes([CLIENTS[dialect][0], provider]) + body)
            for stage in (1, 2):
                place = list(CLIENTS).index(dialect)
                put("unsigned", f"{name}-{stage}", bytes([place | stage << 2]) + body)
            for at, schema in enumerate(schemas(json.loads(body))):
                put("schema", f"{name}-{at}", json.dumps(schema).encode())
        elif path.suffix == ".sse":
            put("stream", name, bytes([list(CLIENTS).index(dialect), 0, 80, 160]) + body)
            for other in others:
                for provider in PROVIDERS[dialect]:
                    inside = wrapped(body, True) if provider == 3 else body
                    put("crossing", f"{name}-{other}-{provider}", bytes([STREAMS[other], provider, 80, 160]) + inside)
        elif kind == "answer":
            for other in others:
                for provider in PROVIDERS[dialect]:
                    inside = wrapped(body, False) if provider == 3 else body
                    put("answer", f"{name}-{other}-{provider}", bytes([CLIENTS[other][0], provider]) + inside)
        elif path.suffix == ".json" and kind == "stream":
            put("stream", name, bytes([4, 0, 80, 160]) + body)
        elif kind == "error":
            put("error", name, bytes([list(CLIENTS).index(dialect), 3]) + body)
        count += 1
    print(f"{count} fixtures")


if __name__ == "__main__":
    main()
