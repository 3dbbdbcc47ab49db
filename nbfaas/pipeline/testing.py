"""Running saved events through a function, in real sandboxes, and comparing what comes of them.

One after the other, by name, in one sandbox, with a state that is empty at first. What is kept of
it (journal, state) is kept in a folder of its own, and is gone in the end.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbfaas.dispatch.invocation import Invocation, event_invocation
from nbfaas.errors import InvocationError, NbfaasError
from nbfaas.events.project import events_folder
from nbfaas.model.function import FunctionVersion
from nbfaas.model.image import ImageSpec
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.pipeline.cases import Case, find_cases, write_expectation
from nbfaas.pipeline.expectation import Outcome, expectation_of, shortfalls
from nbfaas.pipeline.exported import EVENTS, check_python, is_export, read_export, runtime_of
from nbfaas.pipeline.relevance import given
from nbfaas.remote.deploy import Show, open_images
from nbfaas.remote.loading import load_function
from nbfaas.service import Service
from nbfaas.settings import Settings, config

NO_TRIGGER = "test"
"""What the context of a function calls its trigger, if none of its own takes the event."""


@dataclass(frozen=True, slots=True)
class EventResult:
    """What one event came to. ``triggers`` take it; ``shortfalls`` are empty if it passed;
    ``output`` is what the function wrote; not ``run``: no trigger takes the event. ``recorded``:
    the expectation was written anew, and ``note`` says what could not be."""

    name: str
    triggers: tuple[str, ...]
    shortfalls: tuple[str, ...]
    seconds: float
    output: str = ""
    run: bool = True
    recorded: bool = False
    note: str = ""

    @property
    def passed(self) -> bool:
        return not self.shortfalls


@dataclass(frozen=True, slots=True)
class TestReport:
    """``others``: events of the folder that do not concern the function."""

    function: str
    backend: str
    results: tuple[EventResult, ...]
    others: int

    __test__ = False  # for pytest: it is none of its tests

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self.results)

    def __repr__(self) -> str:
        failed = sum(not each.passed for each in self.results)
        return f"<TestReport {self.function}: {len(self.results) - failed} ok, {failed} failed>"


@dataclass(frozen=True, slots=True)
class Subject:
    """A function to be tested. ``shown`` is what people call it, ``function`` its name in its
    notebook or file, ``events`` the folder of its events (``its_own``: there are no others in it).
    ``prepare`` makes sure of its image, if it is to run in containers, and returns what sandboxes
    load."""

    shown: str
    function: str
    specs: tuple[TriggerSpec, ...]
    events: Path
    its_own: bool
    prepare: Callable[[bool, Show | None], FunctionVersion] = field(repr=False)


def find_subject(place: str) -> Subject:
    """An exported folder, ``path/to/file.py:function`` or ``module:function``.

    Raises ``NotAnExport``, ``IntegrityError``, ``BadDeployment``, ``NotDeployable``.
    """
    return _exported(place) if is_export(place) else _in_a_file(place)


def run_saved_events(
    place: str,
    *,
    events: Path | None = None,
    names: Sequence[str] = (),
    backend: str = "docker",
    update: bool = False,
    show: Show | None = None,
    begun: Callable[[Subject, int], None] | None = None,
    told: Callable[[EventResult], None] | None = None,
) -> TestReport:
    """Run the function at ``place`` with the saved events that concern it, or with those of
    ``names``, from the folder ``events`` (its own, unless given). ``update`` writes what comes of
    them as what is expected. ``show`` is told of builds, ``begun`` how many events there are,
    ``told`` of each.

    What the function raises is a result. What keeps it from being run is raised: besides what
    ``find_subject`` and ``find_cases`` raise, ``BackendUnavailable``, ``ImageError``,
    ``PackagingError``, ``SecretMissing``, ``RuntimeDiffers``.
    """
    subject = find_subject(place)
    cases, others = find_cases(
        subject.events if events is None else events,
        subject.function,
        subject.specs,
        names,
        its_own=subject.its_own and events is None,
    )
    if begun is not None:
        begun(subject, len(cases))
    version = subject.prepare(backend != "process", show)
    results = []
    with _OwnService(backend, show) as service:
        for case, invocation in _run(service, version, cases):
            results.append(_judge(case, invocation, update))
            if told is not None:
                told(results[-1])
    return TestReport(subject.shown, backend, tuple(results), others)


def _exported(place: str) -> Subject:
    exported = read_export(place)

    def prepare(in_containers: bool, show: Show | None) -> FunctionVersion:
        if not in_containers:
            check_python(exported)
            return exported.version(ImageSpec())
        with open_images(config, show) as images:
            spec, _ = runtime_of(images, exported)
        return exported.version(spec)

    manifest = exported.manifest
    events = exported.folder / EVENTS
    return Subject(str(exported), manifest.function, manifest.triggers, events, True, prepare)


def _in_a_file(place: str) -> Subject:
    function = load_function(place)

    def prepare(in_containers: bool, show: Show | None) -> FunctionVersion:
        if in_containers:
            with open_images(config, show) as images:
                images.ensure(function.options.image)
        return function.version()

    specs = tuple(each.spec for each in function.triggers if each.spec is not None)
    where = place.rpartition(":")[0]
    begin = Path(where).expanduser().resolve().parent if where.endswith(".py") else None
    return Subject(place, function.name, specs, events_folder(begin), False, prepare)


class _OwnService:
    """A service with a data folder of its own; closed in the end, and the folder removed."""

    def __init__(self, backend: str, show: Show | None) -> None:
        self._backend = backend
        self._show = show
        self._folder = tempfile.TemporaryDirectory(prefix="nbfaas-test-")
        self._service: Service | None = None

    def __enter__(self) -> Service:
        values = config.trait_values(config=True)
        own = {"backend": self._backend, "data_dir": self._folder.name, "prewarm": 0}
        own |= {"json_log": None, "show_progress": False}
        self._service = Service(Settings(**{**values, **own}), self._say)
        return self._service

    def __exit__(self, *error: object) -> None:
        assert self._service is not None
        self._service.close()
        self._folder.cleanup()

    def _say(self, line: str) -> None:
        if self._show is not None:
            self._show(line)


def _run(
    service: Service, version: FunctionVersion, cases: Sequence[Case]
) -> Iterator[tuple[Case, Invocation | None]]:
    for case in cases:
        if not case.runs:
            yield case, None
            continue
        trigger = case.triggers[0] if case.triggers else None
        ended = threading.Event()
        invocation = event_invocation(
            service.new_id(),
            version,
            given(trigger, case.event).to_json(),
            attempt=1,
            trigger=NO_TRIGGER if trigger is None else trigger.name,
            queued_at=time.time(),
        )
        invocation.listener = lambda _, ended=ended: ended.set()
        service.dispatcher.submit([invocation])
        ended.wait()
        yield case, invocation


def _judge(case: Case, invocation: Invocation | None, update: bool) -> EventResult:
    error = None if invocation is None else invocation.error
    if isinstance(error, NbfaasError) and not isinstance(error, InvocationError):
        raise error  # it could not be run
    outcome = _outcome(case, invocation)
    recorded = update and not case.expectation.by_hand
    if recorded:
        write_expectation(case, expectation_of(outcome))
        found: list[str] = []
    else:
        found = shortfalls(case.expectation, outcome)
    return EventResult(
        case.name,
        outcome.triggers,
        tuple(found),
        0.0 if invocation is None else sum(each.wall for each in invocation.attempts),
        "" if invocation is None else invocation.log_bytes().decode("utf-8", "replace"),
        outcome.run,
        recorded,
        (outcome.not_json or "") if recorded else "",
    )


def _outcome(case: Case, invocation: Invocation | None) -> Outcome:
    triggers = tuple(spec.name for spec in case.triggers)
    if invocation is None:
        return Outcome(triggers, run=False)
    value, error = invocation.value, invocation.error
    if error is not None:
        kind = str(getattr(error, "type_name", None) or type(error).__name__)
        message = str(error).removeprefix(f"{kind}: ") if kind != str(error) else ""
        return Outcome(triggers, error=(kind, message))
    try:
        return Outcome(triggers, json.loads(json.dumps(value, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as problem:
        kind = type(value).__name__
        return Outcome(triggers, not_json=f"its result, of type {kind}, is no JSON: {problem}")
