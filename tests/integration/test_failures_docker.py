"""What can go wrong with containers and images in particular."""

import contextlib
import io
import secrets
import sys
import tarfile
import time

import docker
import hypothesis
import pytest
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.errors import (
    ImageNotFound,
    InvocationError,
    MissingPackage,
    OutOfMemory,
    PythonMismatch,
    SandboxLost,
)
from nbfaas.model.records import AttemptStarted, SandboxChanged

pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["docker"], indirect=True),
]


@pytest.fixture
def engine():
    client = docker.from_env()
    yield client.api
    client.close()


def sandbox_of(call, records):
    """The sandbox in which the call runs, once the function itself has begun: one that is lost
    earlier costs nothing, as the call runs in another then."""
    until(lambda: call.logs)
    started = [record for record in records if isinstance(record, AttemptStarted)]
    return next(each.sandbox for each in started if each.invocation_id == call.id)


@remote(max_containers=1)
def sleep(seconds):
    print("begun")
    time.sleep(seconds)
    return seconds


def test_a_container_that_is_killed_is_told_within_seconds(engine, records):
    call = sleep.spawn(60)
    engine.kill(sandbox_of(call, records))
    began = time.monotonic()
    error = call.exception(20)
    assert time.monotonic() - began < 5
    assert type(error) is SandboxLost
    assert "killed from outside through Docker" in str(error)
    assert "call.rerun()" in str(error)
    assert sleep.remote(0) == 0


def test_items_behind_a_killed_one_run_elsewhere_and_are_not_charged(engine, records):
    list(sleep.map([0] * 100))  # so quick that many are sent ahead
    run = sleep.map([60] + [0] * 20, return_exceptions=True)
    engine.kill(sandbox_of(run[0], records))
    lost, *rest = run
    assert type(lost) is SandboxLost
    assert rest == [0] * 20
    assert {len(call.attempts) for call in run.calls} == {1}


def test_a_container_that_is_removed_is_told(engine, records):
    call = sleep.spawn(60)
    engine.remove_container(sandbox_of(call, records), force=True)
    assert isinstance(call.exception(20), SandboxLost)


def test_a_paused_container_is_given_up_and_not_waited_for(engine, records, setting):
    setting(silence=0.3)
    call = sleep.spawn(60)
    engine.pause(sandbox_of(call, records))
    error = call.exception(10)
    assert type(error) is SandboxLost
    assert "paused" in str(error)
    assert sleep.remote(0) == 0


def test_an_idle_container_that_is_killed_is_replaced(service, engine, records):
    call = sleep.spawn(0)
    call.result(20)
    engine.kill(call.stats.sandbox)
    dead = (SandboxChanged, call.stats.sandbox)
    until(lambda: any((type(r), getattr(r, "sandbox", "")) == dead for r in records[-3:]))
    until(lambda: call.stats.sandbox not in {row.id for row in service.sandboxes()})
    assert sleep.remote(0) == 0


def test_a_prewarmed_container_that_is_killed_is_not_handed_out(service, engine):
    def ready():
        return [row.id for row in service.sandboxes() if row.state == "PREWARMED"]

    sleep.remote(0)
    until(lambda: len(ready()) == 2)
    for sandbox in ready():
        engine.kill(sandbox)
    until(lambda: not ready())
    call = sleep.with_options(env={"A": "1"}).spawn(0)
    assert call.result(20) == 0


def test_what_is_killed_for_memory_and_what_is_killed_otherwise_are_told_apart(engine, records):
    @remote(memory="64MB")
    def hold(megabytes, seconds):
        data = b"x" * (megabytes << 20)
        print("begun")
        time.sleep(seconds)
        return len(data)

    killed = hold.spawn(30, 60)
    engine.kill(sandbox_of(killed, records))
    assert isinstance(killed.exception(20), SandboxLost)
    assert not isinstance(killed.exception(), OutOfMemory)
    assert isinstance(hold.spawn(200, 0).exception(20), OutOfMemory)


def test_a_child_process_that_takes_the_memory_ends_in_a_result_or_a_typed_error():
    import subprocess

    @remote(memory="64MB")
    def parent():
        code = "x = b'x' * (200 << 20)"
        return subprocess.run([sys.executable, "-c", code], check=False).returncode

    with contextlib.suppress(OutOfMemory):  # the kernel may have chosen the agent
        assert parent.remote() in (-9, 1)


# -- packages and images


def test_a_package_that_is_here_and_not_there_is_named_with_the_fix():
    @remote
    def use():
        return hypothesis.__version__

    with pytest.raises(MissingPackage, match=r"pip_install\('hypothesis'\)") as caught:
        use.remote()
    assert (caught.value.module, caught.value.function) == ("hypothesis", "use")


def test_a_missing_package_is_to_be_added_to_the_functions_own_image():
    @remote(image="scientific")
    def use():
        return hypothesis.__version__

    with pytest.raises(MissingPackage) as caught:
        use.remote()
    assert caught.value.fix == "Image.scientific().pip_install('hypothesis')"


def test_a_class_of_a_package_that_is_not_there_is_an_error_of_the_call():
    @remote
    def use(value):
        return str(value)

    with pytest.raises((MissingPackage, ModuleNotFoundError, InvocationError), match="pytest"):
        use.remote(pytest.param(1))
    assert use.remote(1) == "1"


def test_an_image_that_is_nowhere_is_an_error_with_the_fix(setting):
    setting(pull=False)
    with pytest.raises(ImageNotFound, match=r"no-such-image:1.*docker pull no-such-image:1"):
        remote(image="no-such-image:1")(time.sleep).remote(0)


def test_a_registry_that_does_not_answer_is_told():
    with pytest.raises(ImageNotFound, match=r"localhost:1/no-such-image") as caught:
        remote(image="localhost:1/no-such-image:1")(time.sleep).remote(0)
    assert caught.value.detail


def test_a_runtime_that_is_unknown_is_told_the_known_ones():
    with pytest.raises(ImageNotFound, match=r"Runtimes: .*python"):
        nbfaas.Image.runtime("pyhton")


def test_an_image_of_another_python_is_refused_before_anything_starts(engine, records):
    reference = f"nbfaas-test-{secrets.token_hex(4)}:3.9"
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    engine.import_image_from_data(
        empty.getvalue(), *reference.split(":"), changes=["ENV PYTHON_VERSION=3.9.18"]
    )
    here = ".".join(map(str, sys.version_info[:2]))
    try:
        with pytest.raises(PythonMismatch, match=rf"has Python 3\.9, this .* {here}"):
            remote(image=reference)(time.sleep).remote(0)
    finally:
        engine.remove_image(reference)
    assert not [r for r in records if isinstance(r, SandboxChanged) and r.image == reference]


def test_calls_that_wait_for_an_image_that_can_not_be_had_all_fail(setting):
    setting(pull=False)
    run = remote(image="no-such-image:1")(sleep._function).map([0] * 5, return_exceptions=True)
    assert {type(error) for error in run} == {ImageNotFound}


def test_an_image_that_can_not_be_had_is_not_tried_again_in_advance(service, setting):
    setting(pull=False)

    @remote(image="nbfaas-test-no-such-image:1")
    def nothing():
        pass

    with pytest.raises(ImageNotFound):
        nothing.remote()
    tried = [image.name for image in service.dispatcher.fleet.stock.images()]
    assert "nbfaas-test-no-such-image:1" not in tried
