"""Starts and stops the real programs: the simulated providers and the gateway in front of them.

Promises: free loopback ports only; ready when returned; ended by process id when closed, politely
first; what a program said is part of the failure when it does not start. It knows the command line
and the configuration file, and nothing of the SDKs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30
STOP_SECONDS = 15

CLIENT_KEY = "wb-sdk-suite-0123456789abcdef0123456789abcdef"
DISABLED_KEY = "wb-sdk-suite-disabled-0123456789abcdef0123456"
ONE_GROUP_KEY = "wb-sdk-suite-one-group-0123456789abcdef012345"
# A name of our own for each platform's model, which only the gateway knows.
ALIAS = "team-default"
MODELS = {"anthropic": "claude-haiku-4-5", "openai": "gpt-5-mini", "gemini": "gemini-2.5-flash"}
ADMIN_TOKEN = "admin-sdk-suite-0123456789abcdef"
PLATFORMS = ("anthropic", "openai", "gemini")
ACCOUNTS_PER_PLATFORM = 2


@dataclass(frozen=True)
class Target:
    """Where an SDK is pointed at: a provider or the gateway."""

    url: str
    key: str


class Server:
    """One running program. `url` is what it printed when it was ready."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, **(environment or {})},
        )
        self._ready = threading.Event()
        self.url = ""
        # Reads on after the ready line, so that the program never blocks on a full pipe.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(START_SECONDS) or not self.url:
            self.close()
            raise RuntimeError(f"{command[0]} did not say where it listens:\n{self.said}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(rb"listening on (http://[^\s/]+)", line)
            if found and not self.url:
                self.url = found[1].decode()
                self._ready.set()
        self._ready.set()

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.seek(0)
        self.said = self._log.read().decode(errors="replace")
        self._log.close()


class Sim(Server):
    """The simulated providers, and the faults they are told to have."""

    def __init__(self) -> None:
        super().__init__([str(program("waybill-sim")), "--listen", "127.0.0.1:0"])

    def target(self, platform: str) -> Target:
        return Target(self.url, account_key(platform, 1))

    def script(self, rules: Iterable[dict[str, Any]]) -> None:
        for rule in rules:
            call("POST", f"{self.url}/_sim/rules", body=rule)

    def heal(self) -> None:
        call("DELETE", f"{self.url}/_sim/rules")

    def received(self) -> list[dict[str, Any]]:
        """What reached the providers since this was last asked."""
        requests = call("GET", f"{self.url}/_sim/received")
        call("DELETE", f"{self.url}/_sim/received")
        return requests


class Gateway(Server):
    """The gateway and its admin API; unless told otherwise with two accounts per platform, the first always
    preferred."""

    def __init__(self, sim: Sim, folder: Path, configure: Callable[[str], str] | None = None) -> None:
        file = folder / "waybill.toml"
        file.write_text((configure or configuration)(sim.url), encoding="utf-8")
        command = [str(program("waybill")), "serve", "--config", str(file), "--listen", "127.0.0.1:0"]
        super().__init__(
            [*command, "--data-dir", str(folder / "data")],
            {"WAYBILL_ADMIN_TOKEN": ADMIN_TOKEN, "SDK_SUITE_CLIENT_KEY": CLIENT_KEY},
        )

    @property
    def target(self) -> Target:
        return Target(self.url, CLIENT_KEY)

    def admin(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One call of the admin API; `path` is below `/api/v1/admin/`."""
        url = f"{self.url}/api/v1/admin/{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        return call(method, url, {"authorization": f"Bearer {ADMIN_TOKEN}"}, body)

    def errors(self, **query: str) -> list[dict[str, Any]]:
        """The failed requests of the last minutes. A record is there once its answer has ended: no waiting."""
        return self.admin("GET", "ops/errors", **({"time_range": "5m", "view": "all"} | query))["errors"]

    def upstream_errors(self, **query: str) -> list[dict[str, Any]]:
        """The failed attempts of the last minutes."""
        return self.admin("GET", "ops/upstream-errors", **({"time_range": "5m", "view": "all"} | query))["events"]


def account_name(platform: str, number: int) -> str:
    return f"{platform}-{number}"


def account_key(platform: str, number: int) -> str:
    return f"sim-{platform}-key-{number}"


def configuration(sim_url: str) -> str:
    lines = []
    for platform in PLATFORMS:
        lines += ["[[group]]", f'name = "{platform}"', f'platform = "{platform}"']
        lines.append(f'model_mapping = {{ "{ALIAS}" = "{MODELS[platform]}" }}')
        for number in range(1, ACCOUNTS_PER_PLATFORM + 1):
            lines += [
                "[[account]]",
                f'name = "{account_name(platform, number)}"',
                f'platform = "{platform}"',
                f'groups = ["{platform}"]',
                f'base_url = "{sim_url}"',
                f'credential = {{ api_key = "{account_key(platform, number)}" }}',
                f"priority = {number}",
                "concurrency = 16",
            ]
    lines += ["[[api_key]]", 'name = "suite"', 'key = "env:SDK_SUITE_CLIENT_KEY"', f"groups = {json.dumps(PLATFORMS)}"]
    lines += ["[[api_key]]", 'name = "disabled"', f'key = "{DISABLED_KEY}"', f"groups = {json.dumps(PLATFORMS)}", "enabled = false"]
    lines += ["[[api_key]]", 'name = "one-group"', f'key = "{ONE_GROUP_KEY}"', 'groups = ["anthropic"]']
    return "\n".join(lines) + "\n"


def program(name: str) -> Path:
    """A program of this workspace, as the step `build` left it."""
    target = os.environ.get("CARGO_TARGET_DIR") or "target"
    path = ROOT / target / "debug" / name
    if not path.exists():
        raise RuntimeError(f"{path} is missing: run `make test ARGS=build` first")
    return path


def call(method: str, url: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None
