"""The servers a test talks to. One simulator and one gateway serve all calls that succeed; a test that
breaks something gets a gateway of its own, so that no state of an account outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import bridges as table
from servers import Gateway, Sim, Target


@pytest.fixture(scope="session")
def sim() -> Iterator[Sim]:
    server = Sim()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_gateway(sim: Sim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    server = Gateway(sim, tmp_path_factory.mktemp("shared"))
    yield server
    server.close()


@pytest.fixture
def gateway(sim: Sim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for this test alone; the simulator is healthy again after it."""
    server = Gateway(sim, tmp_path_factory.mktemp("own"))
    yield server
    server.close()
    sim.heal()


@pytest.fixture(scope="session")
def bridges(sim: Sim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that translates."""
    server = Gateway(sim, tmp_path_factory.mktemp("bridges"), table.configuration)
    yield server
    server.close()


@pytest.fixture
def own_bridges(sim: Sim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The same for this test alone; the simulator is healthy again after it."""
    server = Gateway(sim, tmp_path_factory.mktemp("own"), table.configuration)
    yield server
    server.close()
    sim.heal()


@pytest.fixture(params=["provider", "gateway"])
def target_of(request: pytest.FixtureRequest, sim: Sim) -> Callable[[str], Target]:
    """Every call is made twice: to the provider itself, which shows that the SDK is content with the
    simulator, and through the gateway, which must not be noticed."""
    if request.param == "provider":
        return sim.target
    gateway: Gateway = request.getfixturevalue("shared_gateway")
    return lambda platform: gateway.target


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Runs one coroutine to its end, all on one loop: an SDK's connections belong to theirs."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
