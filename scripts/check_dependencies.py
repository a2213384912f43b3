"""Holds Cargo.lock and every package-lock.json to `dependency-policy.toml`.

Promises: reports every breach, not the first; reads only what is locked (an outdated Cargo.lock is a
breach too). What is allowed and why stands in the policy file, never here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    policy = tomllib.loads((ROOT / "dependency-policy.toml").read_text(encoding="utf-8"))
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if metadata.returncode != 0:
        print(metadata.stderr.strip())
        return 1
    packages = json.loads(metadata.stdout)["packages"]
    breaches = [*rust_breaches(packages, policy), *npm_breaches(policy)]
    print("\n".join(breaches) if breaches else f"dependencies: {len(packages)} crates as the policy wants them")
    return 1 if breaches else 0


def rust_breaches(packages: list[dict[str, Any]], policy: dict[str, Any]) -> Iterator[str]:
    allowed = set(policy["licences"]["rust"])
    banned = {entry["crate"]: entry["reason"] for entry in policy.get("ban", [])}
    versions: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        name, source = package["name"], package["source"]
        versions[name].add(package["version"])
        if source is None and not Path(package["manifest_path"]).is_relative_to(ROOT):
            yield f"{name}: comes from a folder outside of the repository"
        if source is not None and not (source.startswith("registry+") and source.endswith("/crates.io-index")):
            yield f"{name}: comes from {source}, not from the registry"
        if not satisfied(package["license"] or "", allowed):
            yield f"{name} {package['version']}: licence `{package['license']}` is not allowed"
        if name in banned:
            yield f"{name}: banned: {banned[name]}"
    excused = {entry["crate"]: entry["versions"] for entry in policy.get("duplicate", [])}
    for name, found in sorted(versions.items()):
        for line in duplicate_breaches(name, found, excused.get(name)):
            yield line
    for name in excused.keys() - versions.keys():
        yield f"{name}: the policy excuses a duplicate of a crate that is not used"


def duplicate_breaches(name: str, found: set[str], excused: list[str] | None) -> Iterator[str]:
    if excused is None:
        if len(found) > 1:
            yield f"{name}: {len(found)} versions: {', '.join(sorted(found))}"
        return
    for version in sorted(found):
        if not any(version == line or version.startswith(f"{line}.") for line in excused):
            yield f"{name} {version}: not among the versions that the policy excuses ({', '.join(excused)})"
    for line in excused:
        if not any(version == line or version.startswith(f"{line}.") for version in found):
            yield f"{name}: the policy excuses version {line}, which is not used any more"


def npm_breaches(policy: dict[str, Any]) -> Iterator[str]:
    allowed, for_tools = set(policy["licences"]["npm"]), set(policy["licences"]["npm-tools"])
    read = {entry["package"]: entry["is"] for entry in policy.get("npm-licence", [])}
    unused = set(read)
    tracked = subprocess.run(
        ["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for lock in tracked.stdout.split():
        for path, package in json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"].items():
            if not path or package.get("link"):
                continue
            name = path.rpartition("node_modules/")[2]
            if "resolved" in package:
                yield f"{lock}: {name}: names an address; `npm install --omit-lockfile-registry-resolved` leaves it out"
            if "integrity" not in package:
                yield f"{lock}: {name}: has no checksum"
            licences = allowed | for_tools if package.get("dev") else allowed
            licence = package.get("license")
            if licence is None and name in read:
                licence = read[name]
                unused.discard(name)
            if not satisfied(licence or "", licences):
                yield f"{lock}: {name}: licence `{licence}` is not allowed"
    for name in sorted(unused):
        yield f"{name}: the policy says what its licence is, and nothing needs that"


def satisfied(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by allowed licences only. `/` is an old way to write OR."""
    tokens = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    position = 0

    def peek() -> str | None:
        return tokens[position] if position < len(tokens) else None

    def take() -> str:
        nonlocal position
        position += 1
        return tokens[position - 1]

    def choice() -> bool:
        result = both()
        while peek() in ("OR", "/"):
            take()
            other = both()
            result = result or other
        return result

    def both() -> bool:
        result = one()
        while peek() == "AND":
            take()
            other = one()
            result = result and other
        return result

    def one() -> bool:
        token = take()
        if token == "(":
            result = choice()
            take()
            return result
        if peek() == "WITH":
            take()
            token = f"{token} WITH {take()}"
        return token in allowed

    return bool(tokens) and choice() and position == len(tokens)


if __name__ == "__main__":
    sys.exit(main())
