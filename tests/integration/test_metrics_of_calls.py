"""Metrics and the JSON log of real invocations."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from waiting import until

from nbfaas import remote
from nbfaas.errors import FunctionTimeout
from nbfaas.service import Service, close_service, get_service, set_notify
from nbfaas.settings import config


@remote
def invert(x):
    print("inverting", x)
    return 1 / x


@remote(timeout=0.5)
def nap():
    import time

    time.sleep(60)


@remote(retries=2)
def stubborn():
    raise ValueError("no")


@pytest.fixture
def own_service(monkeypatch, tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own: what a service counts, another test would have changed."""
    monkeypatch.setattr(config, "backend", "process")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "json_log", str(tmp_path / "log.jsonl"))
    monkeypatch.setattr(config, "prewarm", 0)
    close_service()
    said: list[str] = []
    set_notify(said.append)
    yield get_service()
    close_service()
    set_notify(None)


def samples(service: Service) -> dict[tuple[str, str], float]:
    """Values by name and function, or state."""
    text = service.metrics.render()[0].decode()
    return {
        (sample.name, sample.labels.get("faas_name") or sample.labels.get("state", "")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def make_calls() -> None:
    list(invert.map(range(1, 101)))
    with pytest.raises(ZeroDivisionError):
        invert.remote(0)
    with pytest.raises(FunctionTimeout):
        nap.remote()
    with pytest.raises(ValueError, match="no"):
        stubborn.remote()
    call = nap.with_options(timeout=None).spawn()
    until(lambda: call.running())
    call.cancel()


def test_real_invocations_are_counted(own_service: Service):
    invert.remote(1)
    assert not own_service.counts
    assert not any(name.startswith("prometheus_client") for name in loaded_by_calls())
    own_service.metrics  # counts from here on
    make_calls()
    until(lambda: samples(own_service)["nbfaas_cancellations_total", "nap"] == 1)
    found = samples(own_service)
    assert found["faas_invocations_total", "invert"] == 100
    assert found["faas_errors_total", "invert"] == 1
    assert found["faas_invoke_duration_seconds_count", "invert"] == 101
    assert found["faas_mem_usage_bytes_sum", "invert"] > 101 * (4 << 20)
    assert found["faas_timeouts_total", "nap"] == 1
    assert found["faas_invoke_duration_seconds_sum", "nap"] >= 0.5
    assert found["nbfaas_retries_total", "stubborn"] == 2
    assert found["faas_errors_total", "stubborn"] == 1
    assert found["faas_coldstarts_total", "stubborn"] == 1
    assert found["faas_init_duration_seconds_sum", "stubborn"] > 0.01
    assert not any(v for (name, _), v in found.items() if name == "nbfaas_invocations_pending")
    assert found["nbfaas_sandboxes", "idle"] >= 1


def loaded_by_calls() -> list[str]:
    """The modules of a process that has made a call, and asked for no metrics."""
    import subprocess

    code = (
        "import sys, nbfaas\n"
        "nbfaas.config.backend = 'process'; nbfaas.config.prewarm = 0\n"
        "twice = nbfaas.remote(lambda x: 2 * x)\n"
        "assert twice.remote(2) == 4\n"
        "print(*sys.modules)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert "nbfaas.dispatch.dispatcher" in out.stdout.split()
    return out.stdout.split()


def test_metrics_can_be_read_on_the_loop_and_after_closing(own_service: Service):
    invert.remote(1)

    async def read() -> bytes:
        return own_service.metrics.render()[0]

    assert b'nbfaas_sandboxes{state="idle"} 1.0' in own_service.run(read())
    own_service.run(asyncio.sleep(0))
    close_service()
    assert b"nbfaas_sandboxes{" not in own_service.metrics.render()[0]


def test_the_json_log_has_every_end_and_every_line(own_service: Service, tmp_path: Path):
    make_calls()
    close_service()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    ends = [line for line in lines if line["kind"] == "invocation"]
    states = sorted(line["state"] for line in ends)
    assert states == sorted(["SUCCEEDED"] * 100 + ["FAILED"] * 2 + ["TIMED_OUT", "CANCELLED"])
    assert sum(line["kind"] == "attempt" for line in lines) == 101 + 1 + 3
    written = {line["message"] for line in lines if line["kind"] == "output"}
    assert written == {f"inverting {x}" for x in range(101)}
    (failed,) = [line for line in ends if line["function"] == "invert" and line["level"] == "error"]
    assert failed["error"] == "ZeroDivisionError: division by zero"
    assert failed["instance"].startswith("process-")
    first = next(line for line in lines if line["kind"] == "attempt")
    assert (first["cold_start"], len(first["version"])) == (True, 12)


def test_a_json_log_that_can_not_be_written_is_said_and_calls_go_on(
    monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(config, "backend", "process")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "json_log", str(tmp_path))
    close_service()
    said: list[str] = []
    set_notify(said.append)
    try:
        assert invert.remote(2) == 0.5
    finally:
        close_service()
        set_notify(None)
    (message,) = [text for text in said if "JSON log" in text]
    assert "Is a directory" in message
