"""Secrets in calls: what the function gets, and what nobody else does."""

from __future__ import annotations

import time

import pytest

import nbfaas
from nbfaas import Context, Event, Secret, remote
from nbfaas.errors import SecretMissing

pytestmark = pytest.mark.usefixtures("service")
VALUE = "s3cret-of-the-test"


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("API_KEY", VALUE)
    return Secret.from_env("API_KEY")


def stop_idle(service):
    service.dispatcher.stop_idle()
    deadline = time.monotonic() + 20
    while any(row.function for row in service.sandboxes()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(context: Context):
    print("the key is", context.secrets["API_KEY"])
    return context.secrets["API_KEY"][::-1]


@pytest.mark.parametrize("isolation", ["reuse", "call"])
def test_a_function_gets_the_value_and_its_output_does_not(key, isolation):
    function = remote(secrets=[key], isolation=isolation)(told)
    call = function.spawn()
    assert call.result() == VALUE[::-1]
    assert call.logs == "the key is ***API_KEY***\n"
    assert function() == VALUE[::-1]  # here


def test_events_and_local_calls_have_them_too(key):
    function = remote(secrets=[key])(told)
    assert nbfaas.events.call_locally(function, Event("t")) == VALUE[::-1]


def test_the_environment_of_the_sandbox_has_no_value(key):
    @remote(secrets=[key])
    def environment():
        import os

        return "".join(f"{k}={v}" for k, v in os.environ.items())

    assert VALUE not in environment.remote()


def test_a_changed_value_is_given_to_new_sandboxes(key, service, monkeypatch):
    function = remote(secrets=[key])(told)
    assert function.remote() == VALUE[::-1]
    monkeypatch.setenv("API_KEY", "rotated-value")
    assert function.remote() == VALUE[::-1]  # the sandbox is warm
    stop_idle(service)
    assert function.remote() == "rotated-value"[::-1]


def test_secrets_that_are_declared_anew_are_not_those_of_a_warm_sandbox():
    first = remote(secrets=[Secret.from_dict({"API_KEY": "first-value"})])(told)
    assert first.remote() == "first-value"[::-1]
    second = remote(secrets=[Secret.from_dict({"API_KEY": "second-value"})])(told)
    assert second.version().version == first.version().version
    assert second.remote() == "second-value"[::-1]
    assert first.remote() == "first-value"[::-1]


def test_calls_with_values_of_their_own_never_share_a_sandbox():
    def tell(wait, context: Context):
        time.sleep(wait)
        return context.secrets["API_KEY"][::-1]

    tenants = {
        name: remote(secrets=[Secret.from_dict({"API_KEY": name})], memory="64MB")(tell)
        for name in ("tenant-a", "tenant-b")
    }
    calls = [(name, tenants[name].spawn(0.05)) for name in [*tenants] * 4]
    assert all(call.result(30) == name[::-1] for name, call in calls)
    waiting = tenants["tenant-a"].spawn(5), tenants["tenant-b"].spawn(5)
    for each in waiting:
        each.cancel()
    for name in [*tenants] * 2:
        assert tenants[name].remote(0) == name[::-1]


def test_a_retry_whose_secret_is_gone_fails(key, service, monkeypatch):
    @remote(secrets=[key], retries=nbfaas.Retries(max_retries=1, initial_delay=1.0))
    def fails(context: Context):
        raise ValueError

    call = fails.spawn()
    while not call.attempts:
        time.sleep(0.01)
    monkeypatch.delenv("API_KEY")
    stop_idle(service)
    with pytest.raises(SecretMissing, match="'fails' needs"):
        call.result(30)


def test_a_value_that_is_gone_is_told_at_the_call(key, service, monkeypatch):
    function = remote(secrets=[key])(lambda context: len(context.secrets))
    assert function.remote() == 1
    monkeypatch.delenv("API_KEY")
    stop_idle(service)
    with pytest.raises(SecretMissing, match=r"'API_KEY', which the function '<lambda>' needs"):
        function.remote()
    monkeypatch.setenv("API_KEY", "back-again")
    assert function.remote() == 1


def test_a_failure_tells_no_value_in_message_arguments_or_traceback(key):
    @remote(secrets=[key])
    def fails(context: Context):
        try:
            raise KeyError(context.secrets["API_KEY"])
        except KeyError as error:
            raise ValueError(f"bad key {context.secrets['API_KEY']}", 7) from error

    with pytest.raises(ValueError) as caught:
        fails.remote()
    everything = []
    error = caught.value
    while error is not None:
        everything += [str(error), repr(error.args), str(getattr(error, "remote_traceback", ""))]
        error = error.__cause__
    assert VALUE not in "".join(everything)
    assert "***API_KEY***" in str(caught.value)


def test_a_function_that_refers_to_a_secret_has_its_names(key):
    @remote(secrets=[key])
    def names():
        return list(key), repr(key)

    found, shown = names.remote()
    assert found == ["API_KEY"]
    assert "context.secrets" in shown
