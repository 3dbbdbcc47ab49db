"""What can't be shipped, loaded or trusted is an error that names the thing and the fix."""

import importlib
import sys
import threading

import pytest

from nbfaas import remote
from nbfaas.agent.wire import Kind
from nbfaas.errors import (
    LoadFailed,
    MissingPackage,
    NotPicklable,
    PayloadTooLarge,
    UntrustedResult,
)
from nbfaas.model.records import AttemptStarted

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def module_of(tmp_path, monkeypatch):
    """Makes a file of the user's beside the notebook, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)

    made = []

    def make(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        made.append(name)
        return importlib.import_module(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


# -- there


def test_an_argument_that_can_not_be_pickled_is_named_by_its_path():
    @remote
    def take(*args, **kwargs):
        pass

    with pytest.raises(NotPicklable, match=r"arguments of 'take'.*argument 1\['lock'\].*lock"):
        take.remote(1, {"lock": threading.Lock()})
    with pytest.raises(NotPicklable, match="keyword argument 'lock'"):
        take.spawn(lock=threading.Lock())
    with pytest.raises(NotPicklable, match=r"item 1 of a map of 'take'"):
        take.map([1, threading.Lock()])


def test_a_closure_that_can_not_be_pickled_is_named_by_its_path():
    client = {"pool": threading.Lock()}

    @remote
    def use():
        return client

    with pytest.raises(NotPicklable, match=r"function 'use'.*client.*\['pool'\]") as caught:
        use.remote()
    assert "Create it inside the function" in str(caught.value)


def test_arguments_above_the_limit_are_not_sent(setting):
    setting(payload_limit=100_000)

    @remote
    def size(data):
        return len(data)

    with pytest.raises(PayloadTooLarge, match=r"arguments of 'size' is 195\.\d KB.*97\.7 KB"):
        size.remote(bytes(200_000))
    assert size.remote(bytes(50_000)) == 50_000


def test_a_function_above_the_limit_is_not_sent(setting):
    setting(payload_limit=100_000)
    data = bytes(200_000)

    @remote
    def size():
        return len(data)

    with pytest.raises(PayloadTooLarge, match=r"function 'size' is 19\d\.\d KB.*97\.7 KB"):
        size.remote()


def test_a_function_that_ships_much_with_it_draws_a_warning(setting):
    setting(closure_warning=100_000)
    data = bytes(200_000)

    @remote
    def size():
        return len(data)

    with pytest.warns(UserWarning, match=r"size.*data"):
        assert size.remote() == 200_000


# -- packages and modules


def test_a_package_that_is_imported_in_the_body_and_missing_is_named_with_the_fix(records):
    @remote
    def use():
        import no_such_package.part

        return no_such_package.part

    with pytest.raises(MissingPackage) as caught:
        use.remote()
    assert caught.value.module == "no_such_package"
    assert "pip_install('no_such_package')" in str(caught.value)
    assert len([record for record in records if isinstance(record, AttemptStarted)]) <= 1


def test_every_call_of_a_function_that_can_not_be_loaded_is_told():
    @remote(max_containers=2)
    def use(n):
        import no_such_package

        return no_such_package

    run = use.map(range(20), return_exceptions=True)
    assert {type(error) for error in run} == {MissingPackage}


def test_an_import_that_the_function_itself_guards_may_fail():
    @remote
    def use():
        try:
            import no_such_package
        except ImportError:
            return "without"
        return no_such_package

    assert use.remote() == "without"


def test_a_local_module_that_raises_when_it_is_imported_there_is_told(module_of, monkeypatch):
    monkeypatch.setenv("ONLY_HERE", "1")
    module = module_of("moody", "import os\nWHERE = os.environ['ONLY_HERE']\n")

    @remote
    def use():
        return module.WHERE

    with pytest.raises(LoadFailed, match=r"'use' could not be loaded.*KeyError: 'ONLY_HERE'") as e:
        use.remote()
    assert "moody.py" in e.value.traceback_text


def test_a_local_module_goes_with_the_function(module_of):
    module_of("helpers_of_mine", "def triple(n):\n    return 3 * n\n")

    @remote
    def use(n):
        from helpers_of_mine import triple

        return triple(n)

    assert use.remote(2) == 6


# -- results that would run code here


def evil(canary):
    """An object that, unpickled, creates the file ``canary``."""

    class Evil(Exception):
        def __reduce__(self):
            import os

            return os.system, (f"touch {canary}",)

    return Evil()


@pytest.fixture
def canary(tmp_path):
    path = tmp_path / "canary"
    yield str(path)
    assert not path.exists(), "code from the sandbox ran on the host"


@pytest.mark.parametrize(
    "make",
    [
        lambda thing: thing,
        lambda thing: [1, {"deep": (thing,)}],
        lambda thing: {"key": bytearray(200_000), "thing": thing},
    ],
    ids=["alone", "deep", "beside-a-buffer"],
)
def test_a_result_that_would_run_code_is_refused(canary, make):
    @remote
    def trap():
        return make(evil(canary))

    with pytest.raises(UntrustedResult, match=r"system.*trust="):
        trap.remote()


def test_a_result_that_would_call_eval_is_refused(canary):
    @remote
    def trap():
        class Evil:
            def __reduce__(self):
                return eval, (f"open({canary!r}, 'w')",)

        return Evil()

    with pytest.raises(UntrustedResult, match="eval"):
        trap.remote()


def test_an_exception_that_would_run_code_comes_without_what_would(canary):
    @remote
    def trap(where):
        error = ValueError("bad", evil(canary)) if where == "args" else ValueError("bad")
        if where == "state":
            error.payload = evil(canary)
        if where == "itself":
            raise evil(canary)
        if where == "cause":
            raise error from evil(canary)
        raise error

    for where in ("args", "state", "cause"):
        with pytest.raises(ValueError, match="bad"):
            trap.remote(where)
    with pytest.raises(Exception, match=r"Evil|system"):
        trap.remote("itself")


def test_bytes_that_are_no_pickle_are_refused(canary):
    kind = int(Kind.RESULT)

    @remote(max_containers=1)
    def trap(call):
        import os
        import struct

        body = f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()
        stats = bytes(40)
        frame = struct.pack("<BBBBIQQ", 1, kind, 1, 0, len(stats), call, len(body)) + stats + body
        for fd in range(3, 100):
            try:
                if "socket" in os.readlink(f"/proc/self/fd/{fd}"):
                    os.write(fd, frame)
            except OSError:
                continue

    # The invocations of a sandbox are numbered from 2.
    with pytest.raises(Exception, match=r"system|unpickl|read"):
        trap.remote(2)


def test_a_type_that_is_trusted_comes_back():
    @remote
    def make():
        import http.cookies

        return http.cookies.SimpleCookie("a=b")

    with pytest.raises(UntrustedResult, match=r"http\.cookies.*trust=\['http'\]"):
        make.remote()
    assert make.with_options(trust=["http"]).remote()["a"].value == "b"


def test_an_untrusted_result_is_not_tried_again():
    @remote(retries=3)
    def make():
        import http.cookies

        return http.cookies.SimpleCookie("a=b")

    call = make.spawn()
    assert isinstance(call.exception(20), UntrustedResult)
    assert len(call.attempts) == 1
