"""Checks what no compiler sees in the tracked files: links between pages, paths of one machine,
file headers, ignored tests.

Promises: looks only at tracked files, reports every finding with file and line, changes nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Nobody else has this machine's folders: home folders, and wherever this checkout happens to lie.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|Users|root)/\w+")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
IMAGE = re.compile(r"!\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    texts = {file: text for file in files if (text := readable(file)) is not None}
    findings = [
        f"{file.relative_to(ROOT)}:{line}: {what}"
        for file, text in texts.items()
        for line, what in findings_in(file, text)
    ]
    findings += schemas_of_one_name({file: text for file, text in texts.items() if file.suffix == ".rs"})
    print("\n".join(findings) if findings else f"repository: {len(texts)} files in order")
    return 1 if findings else 0


def readable(file: Path) -> str | None:
    """The text of a file; `None` for what is not text or was removed without being committed yet."""
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        return None


def findings_in(file: Path, text: str) -> Iterator[tuple[int, str]]:
    yield from machine_paths(text)
    if file.suffix == ".md":
        yield from broken_links(file, text)
    if file.suffix == ".rs":
        yield from rust_conventions(text)


def machine_paths(text: str) -> Iterator[tuple[int, str]]:
    here = f"{ROOT}/"
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield number, f"a path of one machine: {found[0]}"
        elif here in line:
            yield number, "the path of this checkout"


def broken_links(file: Path, text: str) -> Iterator[tuple[int, str]]:
    for number, line in prose(text):
        for target in [*LINK.findall(line), *IMAGE.findall(line)]:
            if re.match(r"[a-z][a-z+.-]*:", target):
                continue
            path, _, anchor = target.partition("#")
            page = (file.parent / path).resolve() if path else file
            if not page.exists():
                yield number, f"a link to {target}, which does not exist"
            elif anchor and page.suffix == ".md" and anchor not in anchors(page.read_text(encoding="utf-8")):
                yield number, f"a link to #{anchor}, which is no heading of {page.name}"


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside of code blocks, without inline code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, made the way code hosts make them."""
    fenced, found = False, set()
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (heading := HEADING.match(line)):
            words = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(words.replace(" ", "-"))
    return found


def rust_conventions(text: str) -> Iterator[tuple[int, str]]:
    opening = next((line for line in text.splitlines() if line and not line.startswith("#![")), "")
    if not opening.startswith("//!"):
        yield 1, "a Rust file opens with `//!`: what it is, what it promises"
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*#\[ignore", line):
            yield number, "an ignored test proves nothing: repair or remove it"


WORDS = re.compile(r"pub enum (\w+)(?: as \"(\w+)\")? \{")
DERIVED = re.compile(r"pub(?:\([^)]*\))? (?:struct|enum) (\w+)")


def schemas_of_one_name(texts: dict[Path, str]) -> Iterator[str]:
    """Types of the API that its document would call the same: the one takes the other's place, without a word."""
    places: dict[str, list[str]] = {}
    for file, text in texts.items():
        for name in schemas(text):
            places.setdefault(name, []).append(str(file.relative_to(ROOT)))
    for name, found in places.items():
        if len(found) > 1:
            yield f"{found[0]}: the API's schema {name} is also in {', '.join(found[1:])}: say `as` in one of them"


def schemas(text: str) -> Iterator[str]:
    for block in re.findall(r"^words! \{(.*?)^\}", text, re.M | re.S):
        yield from (alias or name for name, alias in WORDS.findall(block))
    for match in DERIVED.finditer(text):
        attributes = text[: match.start()].rsplit("\n\n", 1)[-1]
        if "ToSchema" in attributes:
            alias = re.search(r"schema\(.*?\bas = (\w+)", attributes)
            yield alias[1] if alias else match[1]


if __name__ == "__main__":
    sys.exit(main())
