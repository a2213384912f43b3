"""Error calls: an application behind the gateway sees the exception that the provider itself would
have caused, and can tell the gateway's own refusals from it."""

from __future__ import annotations

from typing import Any

import faults
import pytest
from calls import KINDS, Kind, headers_of, raised, refused_here
from clients import claude, gemini, gpt
from servers import DISABLED_KEY, ONE_GROUP_KEY, Target, account_key

SURFACED = [
    pytest.param(kind, name, id=f"{kind}-{name}") for kind in KINDS for name in faults.surfaced(kind.platform)
]
ONE_PER_PLATFORM = [kind for kind in KINDS if kind.name in ("message", "chat", "content")]


def seen(error: Exception) -> dict[str, Any]:
    """Everything an application reads from an SDK's exception."""
    names = ("status_code", "body", "message", "code", "type", "param", "status", "details")
    facts = {name: getattr(error, name) for name in names if hasattr(error, name)}
    return facts | {"class": type(error), "text": str(error), "retry-after": headers_of(error).get("retry-after")}


@pytest.mark.parametrize(("kind", "name"), SURFACED)
def test_a_providers_error_reaches_the_application_as_it_is(sim, gateway, kind: Kind, name: str):
    sim.script([faults.rule(faults.refusal(kind.platform, name))])

    direct = seen(raised(kind, sim.target(kind.platform)))
    error = raised(kind, gateway.target)

    assert direct["class"].__name__ == faults.raised_as(kind.platform, name)
    assert seen(error) == direct
    assert headers_of(error)["x-waybill-error-source"] == "upstream"


@pytest.mark.parametrize("kind", ONE_PER_PLATFORM, ids=str)
def test_an_error_can_be_found_by_the_request_id_of_its_answer(sim, gateway, kind: Kind):
    sim.script([faults.rule(faults.refusal(kind.platform, "bad-request"))])

    request_id = headers_of(raised(kind, gateway.target))["x-waybill-request-id"]

    (found,) = gateway.errors(request_id=request_id)
    assert (found["status_code"], found["model"], found["error_owner"]) == (400, kind.model, "client")
    whole = gateway.admin("GET", f"ops/errors/{found['id']}")
    assert whole["request_id"] == request_id and "rivers" in whole["request_body"]
    assert whole["upstream_status_code"] == 400 and whole["remedy"]


@pytest.mark.parametrize("kind", ONE_PER_PLATFORM, ids=str)
def test_a_refused_credential_of_the_pool_is_not_blamed_on_the_client(sim, gateway, kind: Kind):
    sim.script([faults.rule(faults.refusal(kind.platform, "refused-credential"))])

    error = raised(kind, gateway.target)

    assert status_of(error) == 502
    assert type(error).__name__ in ("InternalServerError", "ServerError")
    assert headers_of(error)["x-waybill-error-source"] == "gateway"
    assert refused_here(error)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_unknown_key_is_refused_in_the_protocols_own_shape(sim, shared_gateway, kind: Kind):
    error = raised(kind, Target(shared_gateway.url, "wb-nobody-has-this-key"))

    assert type(error).__name__ in ("AuthenticationError", "ClientError")
    assert status_of(error) == 401
    assert headers_of(error)["x-waybill-error-source"] == "client"
    assert refused_here(error)


@pytest.mark.parametrize("kind", ONE_PER_PLATFORM, ids=str)
def test_a_disabled_key_is_a_permission_error(shared_gateway, kind: Kind):
    error = raised(kind, Target(shared_gateway.url, DISABLED_KEY))

    assert type(error).__name__ in ("PermissionDeniedError", "ClientError")
    assert status_of(error) == 403
    assert refused_here(error)


@pytest.mark.parametrize("kind", [kind for kind in ONE_PER_PLATFORM if kind.platform != "anthropic"], ids=str)
def test_a_model_that_none_of_the_keys_groups_serves_is_not_found(shared_gateway, kind: Kind):
    error = raised(kind, Target(shared_gateway.url, ONE_GROUP_KEY))

    assert type(error).__name__ in ("NotFoundError", "ClientError")
    assert status_of(error) == 404
    assert refused_here(error)


def test_an_unknown_path_is_not_found_for_every_sdk(shared_gateway):
    target = shared_gateway.target
    with claude(target) as anthropic_client, gpt(target) as openai_client, gemini(target) as gemini_client:
        for call in (
            lambda: anthropic_client.get("/v1/nowhere", cast_to=object),
            lambda: openai_client.get("/nowhere", cast_to=object),
            lambda: gemini_client.models.get(model="models/no-such-model"),
        ):
            with pytest.raises(Exception) as error:
                call()
            assert status_of(error.value) == 404


@pytest.mark.parametrize("kind", ONE_PER_PLATFORM, ids=str)
def test_an_accounts_key_that_the_provider_repeats_reaches_neither_client_nor_record(sim, gateway, kind: Kind):
    key = account_key(kind.platform, 1)
    fault = faults.refusal(kind.platform, "bad-request")
    error_body = fault["body"]["error"] | {"message": f"The key {key} may not use this field."}
    sim.script([faults.rule(fault | {"body": fault["body"] | {"error": error_body}})])

    error = raised(kind, gateway.target)

    assert status_of(error) == 400 and "may not use this field" in str(error)
    (listed,) = gateway.errors()
    whole = gateway.admin("GET", f"ops/errors/{listed['id']}")
    assert "may not use this field" in whole["message"]
    for shown in (error, seen(error), listed, whole, gateway.upstream_errors()):
        assert key not in str(shown)


def test_an_sdks_own_retries_are_separate_requests_to_the_gateway(sim, gateway):
    sim.script([faults.rule(faults.refusal("anthropic", "server-error"))])

    with claude(gateway.target, max_retries=2) as client, pytest.raises(Exception) as error:
        client.messages.create(model="claude-haiku-4-5", max_tokens=16, messages=[{"role": "user", "content": "Hi"}])

    assert type(error.value).__name__ == "InternalServerError"
    assert len(gateway.errors()) == 3


def status_of(error: BaseException) -> int:
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    assert isinstance(status, int), f"{error!r} has no status"
    return status
