"""What triggers are made of, noted as JSON, makes the same triggers again."""

from __future__ import annotations

import msgspec
import pytest

from nbfaas import DeliveryPolicy, on, remote
from nbfaas.errors import BadTrigger, NotDeployable
from nbfaas.errors.serve import ServerConfigError, TriggerNotMade
from nbfaas.model.trigger_spec import DestinationSpec, TriggerSpec
from nbfaas.remote.trigger_making import make_trigger
from nbfaas.remote.trigger_specs import recording_only
from nbfaas.server.rebuilding import rebuild_trigger


def plain(event):
    return event


def recorded(decorate) -> TriggerSpec:
    function = remote(plain)
    with recording_only():
        decorate(function)
    (trigger,) = function.triggers
    assert trigger.spec is not None
    return trigger.spec


def other(event):
    return event


DECORATORS = {
    "event": lambda: on.event(
        {"type": ["a"], "data": {"n": [{"numeric": [">", 1]}]}},
        transform={"n": "$.data.n"},
        ordered_by="$.data.n",
        max_in_flight=3,
        delivery=DeliveryPolicy(max_attempts=9, max_age=60.0),
        on_success=remote(other),
        on_failure="http://localhost:1/failed",
    ),
    "type": lambda: on.event("order.created", name="orders", on_success="order.done"),
    "schedule": lambda: on.schedule("*/5 * * * *", timezone="Europe/Berlin", delivery=2),
    "every": lambda: on.every(2.5),
    "file": lambda: on.file("/tmp/nbfaas-inbox/*.csv", events=["created"], stable=2.0),
    "http": lambda: on.http("GET", "/a/{id}", deadline=3.0, auth=False),
    "http async": lambda: on.http("POST", "/b", respond="async", on_success="b.done"),
    "queue": lambda: on.queue("nats://localhost:4222", stream="S", subject="s.>"),
}


@pytest.mark.parametrize("which", DECORATORS)
def test_a_trigger_that_is_made_anew_is_the_same(which):
    spec = recorded(DECORATORS[which]())
    read = msgspec.json.decode(msgspec.json.encode(spec), type=TriggerSpec)
    known = {"other": remote(other)}
    again = recorded(lambda function: make_trigger(read, function, known.__getitem__))
    assert msgspec.to_builtins(again) == msgspec.to_builtins(spec)


def test_destinations_are_functions_types_or_urls():
    spec = recorded(DECORATORS["event"]())
    assert spec.on_success == DestinationSpec("function", "other")
    assert spec.on_failure == DestinationSpec("url", "http://localhost:1/failed")
    assert recorded(DECORATORS["type"]()).on_success == DestinationSpec("type", "order.done")


def test_triggers_of_one_kind_that_are_recorded_have_names_of_their_own():
    function = remote(plain)
    with recording_only():
        for path in ("/a", "/b"):
            on.http("GET", path)(function)
        on.event("x")(function)
    assert [each.name for each in function.triggers] == [
        "plain-http", "plain-http-2", "plain-event",
    ]  # fmt: skip


def test_recording_makes_no_folder(tmp_path):
    spec = recorded(on.file(tmp_path / "inbox" / "*.csv"))
    assert spec.arguments == (f"{tmp_path}/inbox/*.csv",)
    assert not (tmp_path / "inbox").exists()


def test_credentials_of_a_queue_are_left_out_and_asked_for():
    url = "redis://me:s3cret@localhost:6379/0"
    spec = recorded(on.queue(url, stream="orders"))
    assert b"s3cret" not in msgspec.json.encode(spec)
    with pytest.raises(NotDeployable, match="was given credentials") as error:
        make_trigger(spec, remote(plain), {}.__getitem__)
    assert "s3cret" not in str(error.value)
    again = recorded(lambda function: make_trigger(spec, function, {}.__getitem__, url=url))
    assert again == spec


def test_credentials_of_a_destination_are_left_out_and_asked_for():
    url = "https://me:s3cret@localhost:1/failed?token=s3cret"
    spec = recorded(on.event("a", name="orders", on_failure=url))
    assert spec.on_failure == DestinationSpec("url", "https://localhost:1/failed", secret=True)
    with pytest.raises(NotDeployable, match="was given with credentials") as error:
        make_trigger(spec, remote(plain), {}.__getitem__)
    assert "s3cret" not in str(error.value)
    with pytest.raises(BadTrigger) as bad:
        on.event("a", on_failure="ftp://me:s3cret@localhost/?token=s3cret")
    assert "s3cret" not in f"{bad.value} {bad.value.value}"


def test_a_server_is_given_the_credentials_of_a_destination_by_its_trigger_s_name():
    url = "https://me:s3cret@localhost:1/failed?token=s3cret"
    spec = recorded(on.event("a", name="orders", on_failure=url))
    function = remote(plain)
    with pytest.raises(ServerConfigError, match=r'"orders\.on_failure" = .VARIABLE.') as error:
        rebuild_trigger(spec, function, function, {}.get, {})
    assert "s3cret" not in str(error.value)
    given = {"orders.on_failure": url}
    trigger, [(follower, _)] = rebuild_trigger(spec, function, function, {}.get, given)
    assert follower.target == f"url:{url}"
    assert "s3cret" not in f"{trigger!r} {follower!r} {trigger.spec!r}"


@pytest.mark.parametrize(
    "spec",
    [
        TriggerSpec(kind="file", name="x"),
        TriggerSpec(kind="file", name="x", arguments=(["/in/*"],)),
        TriggerSpec(kind="event", name="x", arguments=("a",), options={"name": "y"}),
        TriggerSpec(kind="queue", name="x", secret=True),
        TriggerSpec(kind="file", name="x", arguments=("/proc/nowhere/*",)),
    ],
    ids=str,
)
def test_a_manifest_s_trigger_that_no_decorator_would_make_is_told_with_its_name(spec):
    with pytest.raises(TriggerNotMade, match=r"the trigger 'x' of plain does not work: \S+"):
        rebuild_trigger(spec, remote(plain), remote(plain), {}.get, {"x": "redis://localhost"})
