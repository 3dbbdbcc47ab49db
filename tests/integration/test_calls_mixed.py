"""Whatever is mixed, calls, maps, retries, cancels and kills: each call settles once and right."""

import concurrent.futures
import os
import random
import signal
import time
from collections import Counter, defaultdict

import docker
import pytest

from nbfaas import Retries, remote
from nbfaas.errors import SandboxLost
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    SandboxChanged,
)
from nbfaas.settings import config

pytestmark = pytest.mark.usefixtures("service")


class Mix:
    """A random sequence of what users do, and the harm that befalls sandboxes."""

    def __init__(self, service, seed):
        self.service = service
        self.random = random.Random(seed)
        self.expected = []  # (call, the value it has if it succeeds)
        self.functions = [self.make(number) for number in range(3)]
        self.most_memory = 0

    def make(self, number):
        choose = self.random.choice
        retries = Retries(max_retries=choose([0, 2]), initial_delay=0.01, retry_on=(SandboxLost,))

        def work(value, seconds):
            time.sleep(seconds)
            if value % 17 == 13:
                raise ValueError(value)
            if value % 41 == 40:
                os._exit(1)
            return int(os.environ["NUMBER"]), value

        work.__name__ = f"work_{number}"
        return number, remote(
            cpu=choose([0.5, 1.0, 2.0]),
            max_containers=choose([1, 2, None]),
            isolation=choose(["reuse", "reuse", "call"]),
            retries=retries,
            env={"NUMBER": str(number)},
        )(work)

    def step(self):
        number, work = self.random.choice(self.functions)
        what = self.random.random()
        if what < 0.35:
            value = self.random.randrange(1000)
            call = work.spawn(value, self.random.choice([0, 0, 0.01]))
            self.expected.append((call, (number, value)))
        elif what < 0.6:
            values = [self.random.randrange(1000) for _ in range(self.random.randrange(40))]
            run = work.map(values, kwargs={"seconds": self.random.choice([0, 0, 0.002])})
            self.expected += [(run[i], (number, value)) for i, value in enumerate(values)]
        elif what < 0.75 and self.expected:
            for call, _ in self.random.sample(self.expected, min(3, len(self.expected))):
                call.cancel()
        elif what < 0.85:
            self.kill()
        elif what < 0.9:
            self.service.dispatcher.stop_idle()
        elif what < 0.95:
            self.functions[number] = self.make(number)  # as when its cell is run again
        else:
            time.sleep(self.random.random() * 0.05)
        rows = self.service.sandboxes()
        memory = sum(row.memory for row in rows if row.function)
        self.most_memory = max(self.most_memory, memory)

    def kill(self):
        rows = self.service.sandboxes()
        if not rows:
            return
        victim = self.random.choice(rows).id
        if victim.startswith("process-"):
            try:
                os.kill(int(victim.removeprefix("process-")), signal.SIGKILL)
            except ProcessLookupError:
                return
            return
        client = docker.from_env()
        try:
            client.api.kill(victim)
        except docker.errors.APIError:
            return
        finally:
            client.close()


def check(mix, records):
    """Everything that must hold of what was done and told."""
    for call, value in mix.expected:
        number = value[1]
        assert concurrent.futures.wait([call], 60).done, call
        if call.cancelled():
            assert call.status is InvocationState.CANCELLED
        elif call.status is InvocationState.SUCCEEDED:
            assert call.result() == value
            assert number % 17 != 13
            assert number % 41 != 40
        elif isinstance(call.exception(), ValueError):
            assert call.exception().args == (number,)
            assert number % 17 == 13
        else:
            assert isinstance(call.exception(), SandboxLost)
    ours = {call.id for call, _ in mix.expected}
    told = defaultdict(list)
    versions = defaultdict(set)
    for record in records:
        if isinstance(record, SandboxChanged):
            if record.version is not None:
                versions[record.sandbox].add(record.version)
        elif record.invocation_id in ours:
            told[record.invocation_id].append(record)
    for call, _ in mix.expected:
        kinds = Counter(type(record) for record in told[call.id])
        assert kinds[InvocationQueued] == kinds[InvocationFinished] == 1, told[call.id]
        ended = next(r for r in told[call.id] if isinstance(r, InvocationFinished))
        assert ended.state.is_final
        assert kinds[AttemptFinished] <= kinds[AttemptStarted]
        if ended.state is InvocationState.SUCCEEDED:
            assert call.attempts[-1].state is InvocationState.SUCCEEDED
            assert [attempt.attempt for attempt in call.attempts] == list(
                range(1, len(call.attempts) + 1)
            )
    assert all(len(each) == 1 for each in versions.values()), "a sandbox served two versions"
    assert mix.most_memory <= config.memory_budget


@pytest.mark.parametrize("service", ["process"], indirect=True)
@pytest.mark.parametrize("seed", range(6))
def test_every_call_of_a_mix_settles_once_and_right(service, records, setting, seed):
    mix = Mix(service, seed)
    for _ in range(60):
        mix.step()
    check(mix, records)


@pytest.mark.docker
@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_every_call_of_a_mix_in_containers_settles_once_and_right(service, records):
    mix = Mix(service, 2026)
    for _ in range(40):
        mix.step()
    check(mix, records)
