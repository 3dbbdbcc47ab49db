"""Which sandboxes calls get, how many of them, and when those go, in each backend."""

import os
import subprocess
import time

import pytest
from waiting import until

from nbfaas import remote
from nbfaas.errors import InsufficientResources
from nbfaas.model.invocation import SandboxState
from nbfaas.model.records import AttemptStarted, SandboxChanged

pytestmark = pytest.mark.usefixtures("service")


def sandboxes_of(service, function):
    return [row for row in service.sandboxes() if row.function == function]


def prewarmed(service):
    return {row.id for row in service.sandboxes() if row.state == "PREWARMED"}


# -- isolation


def test_calls_share_a_process_unless_told_otherwise():
    @remote(max_containers=1)
    def visit():
        visits = os.environ["VISITS"] = os.environ.get("VISITS", "") + "I"
        return os.getpid(), visits

    first, second = visit.remote(), visit.remote()
    assert first == (second[0], "I")
    assert second[1] == "II"


def test_with_isolation_each_call_has_a_fresh_process():
    @remote(max_containers=1, isolation="call")
    def visit():
        print("in", os.getpid())
        visits = os.environ["VISITS"] = os.environ.get("VISITS", "") + "I"
        return os.getpid(), visits

    calls = [visit.spawn() for _ in range(4)]
    results = [call.result(20) for call in calls]
    assert {visits for _, visits in results} == {"I"}
    assert len({pid for pid, _ in results}) == 4
    assert len({call.stats.sandbox for call in calls}) == 1
    assert [call.logs for call in calls] == [f"in {pid}\n" for pid, _ in results]


def test_with_isolation_a_crash_is_of_one_call_and_does_not_lose_the_sandbox():
    @remote(max_containers=1, isolation="call")
    def maybe(n):
        if n == 1:
            os.abort()
        if n == 2:
            os._exit(7)
        return n

    run = maybe.map(range(4), return_exceptions=True)
    zero, aborted, exited, three = run
    assert (zero, three) == (0, 3)
    assert (aborted.signal_name, exited.exit_code) == ("SIGABRT", 7)
    assert len({call.stats.sandbox for call in run.calls}) == 1
    assert [len(call.attempts) for call in run.calls] == [1, 1, 1, 1]


def test_with_isolation_what_a_call_left_running_is_gone_with_it():
    @remote(max_containers=1, isolation="call")
    def look(pid):
        if pid is None:
            return subprocess.Popen(["sleep", "60"]).pid
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().split()[2]
        except FileNotFoundError:
            return "gone"

    pid = look.remote(None)
    until(lambda: look.remote(pid) in ("Z", "gone"))


# -- whose they are


def test_two_functions_never_share_a_sandbox(service, records):
    @remote(max_containers=2)
    def left(n):
        return n

    @remote(max_containers=2)
    def right(n):
        return n

    runs = [left.map(range(50)), right.map(range(50)), left.map(range(50))]
    for run in runs:
        run.wait(20)
    lefts = {call.stats.sandbox for run in (runs[0], runs[2]) for call in run.calls}
    rights = {call.stats.sandbox for call in runs[1].calls}
    assert lefts
    assert rights
    assert not lefts & rights


def test_the_same_function_is_given_its_warm_sandbox_again():
    @remote(max_containers=1)
    def nothing():
        pass

    calls = []
    for _ in range(3):
        calls.append(nothing.spawn())
        calls[-1].result(20)
    assert len({call.stats.sandbox for call in calls}) == 1


def test_a_function_defined_anew_lets_the_sandboxes_of_the_old_one_go(service):
    def define(value):
        @remote
        def answer():
            return value

        return answer

    assert define(1).remote() == 1
    (old,) = sandboxes_of(service, "answer")
    assert define(2).remote() == 2
    until(lambda: old.id not in {row.id for row in service.sandboxes()})
    (new,) = sandboxes_of(service, "answer")
    assert new.version != old.version


def test_a_busy_sandbox_of_an_old_version_goes_when_its_call_is_done(service):
    def define(value):
        @remote
        def answer(seconds):
            time.sleep(seconds)
            return value

        return answer

    old = define(1)
    call = old.spawn(0.5)
    until(call.running)
    assert define(2).remote(0) == 2
    assert call.result(20) == 1
    until(lambda: {row.id for row in sandboxes_of(service, "answer")} != {call.stats.sandbox})
    until(lambda: call.stats.sandbox not in {row.id for row in service.sandboxes()})


# -- how many


def test_no_more_sandboxes_are_started_than_the_function_may_have(records):
    @remote(max_containers=2)
    def sleep(n):
        time.sleep(0.1)
        return n

    assert list(sleep.map(range(12))) == list(range(12))
    used = {record.sandbox for record in records if isinstance(record, AttemptStarted)}
    assert len(used) == 2


def test_a_function_that_asks_for_more_than_there_is_is_told_at_once():
    @remote(cpu=1000)
    def greedy():
        pass

    with pytest.raises(InsufficientResources, match=r"'greedy' asks for cpu=1000.*8 cores"):
        greedy.remote()
    with pytest.raises(InsufficientResources, match=r"memory_budget"):
        greedy.with_options(cpu=1, memory="9TB").remote()


def test_all_functions_together_stay_within_the_budget(service):
    @remote(cpu=3)
    def first(n):
        time.sleep(0.1)
        return n

    @remote(cpu=3)
    def second(n):
        time.sleep(0.1)
        return -n

    runs = first.map(range(8)), second.map(range(8))
    most = 0.0
    while not all(run.done for run in runs):
        busy = [row for row in service.sandboxes() if row.state == SandboxState.BUSY]
        most = max(most, sum(row.cpu for row in busy))
    assert runs[0].results() == list(range(8))
    assert runs[1].results() == [-n for n in range(8)]
    assert 3 <= most <= 8 + 3  # each function may have a first one, whatever the others use


def test_idle_sandboxes_give_way_to_a_function_that_finds_no_memory(service):
    @remote(memory="5GB")
    def first():
        return 1

    @remote(memory="5GB")
    def second():
        return 2

    assert [first.remote(), second.remote(), first.remote()] == [1, 2, 1]


def test_a_long_map_after_a_short_call_gets_more_sandboxes(records):
    @remote(cpu=0.5)
    def nap(seconds):
        time.sleep(seconds)

    nap.remote(0)
    records.clear()
    nap.map([3.0] * 3).results()
    began = [record for record in records if isinstance(record, AttemptStarted)]
    assert len({record.sandbox for record in began}) == 3


def test_functions_that_do_not_fit_beside_each_other_share_the_cores(service, records):
    @remote(cpu=8)
    def first(n):
        return n

    @remote(cpu=8)
    def second(n):
        return -n

    for n in range(20):
        assert [first.remote(n), second.remote(n)] == [n, -n]
    assert len({record.sandbox for record in records if isinstance(record, AttemptStarted)}) == 2


def test_a_long_map_gives_way_to_a_function_that_finds_no_memory():
    @remote(memory="8GB", max_containers=1)
    def long(n):
        time.sleep(0.05)
        return n

    @remote(memory="8GB")
    def short():
        return "short"

    run = long.map(range(40))
    until(lambda: run.counts.done > 2)
    assert short.remote() == "short"
    assert not run.done
    assert run.wait(40)
    assert run.results() == list(range(40))


# -- when they go


def test_idle_sandboxes_go_when_nobody_calls_and_come_back_when_somebody_does(service, setting):
    @remote
    def nothing():
        return "nothing"

    nothing.remote()
    setting(keep_alive=0.1)
    until(lambda: not service.sandboxes())
    assert nothing.remote() == "nothing"


def test_prewarmed_sandboxes_are_replaced_when_they_are_taken(service):
    @remote
    def nothing():
        pass

    nothing.remote()
    until(lambda: len(prewarmed(service)) == 2)
    before = prewarmed(service)
    call = nothing.with_options(env={"ANOTHER": "version"}).spawn()
    call.result(20)
    assert call.stats.sandbox in before
    assert not call.stats.cold_start
    until(lambda: len(prewarmed(service)) == 2)
    assert call.stats.sandbox not in prewarmed(service)


def test_a_prewarmed_sandbox_is_fitted_to_what_the_function_asks_for(service):
    @remote
    def nothing():
        pass

    nothing.remote()
    until(lambda: len(prewarmed(service)) == 2)
    before = prewarmed(service)
    call = nothing.with_options(memory="128MB", cpu=0.5).spawn()
    call.result(20)
    assert call.stats.sandbox in before
    (row,) = [row for row in service.sandboxes() if row.id == call.stats.sandbox]
    assert (row.memory, row.cpu) == (128 << 20, 0.5)


def test_the_life_of_a_sandbox_is_told(service, records):
    @remote
    def nothing():
        pass

    call = nothing.spawn()
    call.result(20)
    service.dispatcher.stop_idle("nothing")
    until(lambda: not sandboxes_of(service, "nothing"))
    told = [
        (record.state, record.function)
        for record in records
        if isinstance(record, SandboxChanged) and record.sandbox == call.stats.sandbox
    ]
    assert told[-2:] == [(SandboxState.IDLE, "nothing"), (SandboxState.STOPPING, "nothing")]
