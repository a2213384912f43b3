"""Runs everything CI checks and ends with one line of totals: `N passed, N failed`.

Promises: every step runs even when an earlier one failed, so that one run tells everything; a step
that executed no test has failed; the exit code is 0 only when nothing failed. It knows the runners'
closing lines and nothing of what they test.

    python scripts/check.py            all steps
    python scripts/check.py clippy …   only these
    python scripts/check.py --list     their names
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPESCRIPT = ROOT / "tests/sdk/typescript"
CONSOLE = ROOT / "console"


@dataclass
class Totals:
    """What was executed. `failed` counts tests, or a whole step that broke before it could count."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def cargo_totals(lines: Iterable[str]) -> Totals:
    """Sums `test result: ok. 3 passed; 0 failed; 1 ignored; …`, one line per test binary."""
    pattern = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
    found = (pattern.search(line) for line in lines)
    return sum((Totals(*map(int, match.groups())) for match in found if match), Totals())


def pytest_totals(lines: Iterable[str]) -> Totals:
    """Reads the last line of the form `1 failed, 9 passed, 2 skipped, 1 error in 3.21s`."""
    last = next((line for line in reversed(list(lines)) if re.search(r"\d+ \w+.* in [\d.]+s", line)), "")
    count = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    return Totals(count.get("passed", 0), count.get("failed", 0) + count.get("error", 0), count.get("skipped", 0))


def node_totals(lines: Iterable[str]) -> Totals:
    """Reads the closing block of node's runner: `ℹ pass 9`, `ℹ fail 1`, …"""
    pattern = re.compile(r"^[ℹ#] (pass|fail|cancelled|skipped) (\d+)$")
    found = (pattern.match(line.strip()) for line in lines)
    count = {match[1]: int(match[2]) for match in found if match}
    return Totals(count.get("pass", 0), count.get("fail", 0) + count.get("cancelled", 0), count.get("skipped", 0))


def vitest_totals(lines: Iterable[str]) -> Totals:
    """Reads the line `Tests  1 failed | 9 passed | 2 skipped (12)`."""
    plain = (re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in lines)
    last = next((line for line in reversed(list(plain)) if line.startswith("Tests ")), "")
    count = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped)", last)}
    return Totals(count.get("passed", 0), count.get("failed", 0), count.get("skipped", 0))


def playwright_totals(lines: Iterable[str]) -> Totals:
    """Reads the closing lines `9 passed (1.2m)`, `1 failed`, `2 did not run`, …"""
    pattern = re.compile(r"^(\d+) (passed|failed|flaky|skipped|did not run|interrupted)\b")
    found = (pattern.match(re.sub(r"\x1b\[[0-9;]*m", "", line).strip()) for line in lines)
    count = {match[2]: int(match[1]) for match in found if match}
    failed = sum(count.get(word, 0) for word in ("failed", "flaky", "did not run", "interrupted"))
    return Totals(count.get("passed", 0), failed, count.get("skipped", 0))


@dataclass(frozen=True)
class Step:
    """One command. Without `count` the command as a whole is one check."""

    name: str
    command: list[str]
    # A step that hangs must not hold the others' results until CI is cut off.
    limit_minutes: int
    count: Callable[[Iterable[str]], Totals] | None = None
    folder: Path = ROOT
    # The programs it starts, which the step `build` makes.
    programs: tuple[str, ...] = ()


PYTHON = sys.executable
SUITE_PROGRAMS = ("waybill", "waybill-sim")
# Compiles the tests and, for them, the programs; `rust` finds both made and only runs.
BUILD = Step("build", ["cargo", "test", "--locked", "--workspace", "--no-run"], 40)
STEPS = [
    Step("repository", [PYTHON, "scripts/check_repository.py"], 2),
    Step("dependencies", [PYTHON, "scripts/check_dependencies.py"], 5),
    Step("format", ["cargo", "fmt", "--all", "--check"], 5),
    Step("clippy", ["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], 40),
    BUILD,
    Step("rust", ["cargo", "test", "--locked", "--workspace", "--no-fail-fast"], 50, cargo_totals),
    Step("python-sdks", [PYTHON, "-m", "pytest", "tests/sdk/python"], 10, pytest_totals, programs=SUITE_PROGRAMS),
    Step("typescript-sdks", ["node", "--test", "--test-reporter=spec"], 10, node_totals, TYPESCRIPT, SUITE_PROGRAMS),
    Step("console-types", ["npm", "run", "--silent", "check"], 5, folder=CONSOLE),
    Step("console-units", ["npm", "test", "--silent"], 5, vitest_totals, CONSOLE),
    Step("console-stories", ["npx", "playwright", "test"], 35, playwright_totals, CONSOLE, SUITE_PROGRAMS),
]


def missing(step: Step) -> list[str]:
    """The programs that a step starts and that are not there."""
    folder = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target") / "debug"
    return [name for name in step.programs if not (folder / name).exists()]


def chosen(wanted: list[str]) -> list[Step]:
    """All steps, or those named; and `build` before those whose programs are missing."""
    steps = [step for step in STEPS if not wanted or step.name in wanted]
    made_by = (BUILD.name, "rust")
    if not any(step.name in made_by for step in steps) and any(missing(step) for step in steps):
        steps.insert(0, BUILD)
    return steps


def run(step: Step) -> Totals:
    """Runs one step, showing its output as it comes, and says what it counted."""
    print(f"\n── {step.name}: {' '.join(Path(part).name if part == PYTHON else part for part in step.command)}", flush=True)
    lines: list[str] = []
    code = stream(step, lines.append)
    if step.count is None:
        return Totals(passed=1) if code == 0 else Totals(failed=1)
    totals = step.count(lines)
    if code == 0 and totals.passed + totals.failed == 0:
        print(f"{step.name}: no test was executed", flush=True)
    if totals.failed == 0 and (code != 0 or totals.passed == 0):
        totals.failed = 1
    return totals


def stream(step: Step, keep: Callable[[str], None]) -> int:
    """Runs the command in a process group of its own, which ends with it, in time, or with us."""
    process = subprocess.Popen(
        step.command, cwd=step.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )

    def stop() -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def too_long() -> None:
        print(f"{step.name}: stopped after {step.limit_minutes} minutes", flush=True)
        stop()

    timer = threading.Timer(step.limit_minutes * 60, too_long)
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            keep(line)
            print(line, end="", flush=True)
        return process.wait()
    finally:
        timer.cancel()
        stop()


def main(wanted: list[str]) -> int:
    names = [step.name for step in STEPS]
    if wanted == ["--list"]:
        print("\n".join(names))
        return 0
    if unknown := [name for name in wanted if name not in names]:
        print(f"no such step: {', '.join(unknown)}; there are: {', '.join(names)}")
        return 2
    rows: list[tuple[str, Totals, float]] = []
    for step in chosen(wanted):
        start = time.monotonic()
        rows.append((step.name, run(step), time.monotonic() - start))
    print()
    for name, totals, seconds in rows:
        print(f"{'FAILED' if totals.failed else 'ok':7}{name:16}{totals.passed:6} passed {totals.failed:4} failed {seconds:7.0f} s")
    total = sum((totals for _, totals, _ in rows), Totals())
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
