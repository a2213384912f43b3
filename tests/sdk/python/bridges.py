"""Accounts that clients of every protocol are served by: each behind a key of its own, as the table
`bridges.json` has them, which the TypeScript suite reads too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers import Gateway, Target

PROTOCOLS = ("anthropic", "openai", "gemini")


@dataclass(frozen=True)
class Bridge:
    """An account on the other side."""

    name: str
    platform: str
    family: str
    account: str = ""
    prefix: str = ""
    proof: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        return f"wb-sdk-suite-bridge-{self.name}-0123456789abcdef"

    def model(self, behaviour: str) -> str:
        """A model of its family that behaves like this."""
        return f"{self.family}-sim-{behaviour}"

    def target(self, gateway: Gateway) -> Target:
        return Target(gateway.url + self.prefix, self.key)


TABLE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "bridges.json").read_text())
BRIDGES = {name: Bridge(name, **row) for name, row in TABLE.items() if not name.startswith("$")}


def configuration(sim_url: str) -> str:
    lines = []
    for bridge in BRIDGES.values():
        lines += ["[[group]]", f'name = "{bridge}"', f'platform = "{bridge.platform}"', f"protocols = {json.dumps(PROTOCOLS)}"]
        lines += ["[[account]]", f'name = "{bridge}"', f'platform = "{bridge.platform}"', f'groups = ["{bridge}"]']
        lines += [f'base_url = "{sim_url}"', f'credential = {{ api_key = "sim-bridge-{bridge}" }}', bridge.account]
        lines += ["[[api_key]]", f'name = "{bridge}"', f'key = "{bridge.key}"', f'groups = ["{bridge}"]']
    return "\n".join(lines) + "\n"
