"""``RemoteFunction``: what ``@remote`` makes of a function."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar

from nbfaas.agent.local_function import LocalFunction
from nbfaas.agent.wire import Part
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import OptionError, PayloadTooLarge
from nbfaas.model.function import Entry, FunctionOptions, FunctionVersion, Volume
from nbfaas.packager.arguments import dump_arguments
from nbfaas.packager.buffers import Sealer
from nbfaas.packager.pack import Package, pack
from nbfaas.packager.report import ShippedItem, ShippingReport, warn_if_large
from nbfaas.remote.call import FunctionCall, submit, waited_for
from nbfaas.remote.echo import Echo, Inbox
from nbfaas.remote.making import make_all
from nbfaas.remote.map_run import MapRun
from nbfaas.remote.options import parse_options
from nbfaas.remote.progress import call_watch
from nbfaas.service import current_service, get_service
from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.agent.binding import Binding
    from nbfaas.agent.event import Event
    from nbfaas.agent.loading import Loaded
    from nbfaas.remote.deploy import Deployed
    from nbfaas.remote.here import ProvidedHere
    from nbfaas.service import Place
    from nbfaas.triggers.trigger import Trigger

P = ParamSpec("P")
R = TypeVar("R")


class RemoteFunction(Generic[P, R]):
    """A function that can run in a sandbox. Called plainly, it runs here, as ever.

    ``remote(…)`` runs it in a sandbox and waits; ``spawn(…)`` does not wait; ``map(inputs)``
    runs it once for each input.
    """

    data_schema: dict[str, Any] | None = None  # of its events' data, where its code is not known

    _is_cell: ClassVar[bool] = False

    def __init__(self, function: Callable[P, R], options: FunctionOptions, name: str) -> None:
        functools.update_wrapper(self, function)
        # What ``f?`` in IPython looks at: it shows the signature of a call if it is another one.
        self.__dict__["__call__"] = functools.update_wrapper(
            lambda *args, **kwargs: function(*args, **kwargs), function, (), ()
        )
        self.name = name
        self.options = options
        self._function = function
        self._package: Package | None = None
        self._version: FunctionVersion | None = None
        self._bound: Binding | None = None
        self._lock = threading.Lock()
        self.triggers: list[Trigger] = []
        """The triggers that ``nbfaas.on`` has given it, those of its destinations left out."""
        self.remote: RemoteCaller[P, R] = RemoteCaller(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        binding = self._binding()
        if binding.takes_context and (name := binding.context_wanted(args, kwargs)) is not None:
            given: dict[str, Any] = {**kwargs, name: self.provided_here().context(self.options)}
            return self._function(*args, **given)
        return self._function(*args, **kwargs)

    def spawn(self, *args: P.args, **kwargs: P.kwargs) -> FunctionCall[R]:
        """Start it, and return at once."""
        service = get_service()
        return submit(self._invocation(service, args, kwargs), service)

    def map(
        self,
        *inputs: Iterable[Any],
        kwargs: dict[str, Any] | None = None,
        order_outputs: bool = True,
        return_exceptions: bool = False,
        chunksize: int | None = None,
    ) -> MapRun[R]:
        """Run it once for each item, as the builtin ``map`` does; several ``inputs`` are taken
        side by side. Submits everything at once and returns the run. Items are never unpacked.
        ``chunksize``: how many a sandbox holds at a time, instead of what is learnt from their
        durations; each item still fails, and is retried, by itself."""
        if not inputs:
            raise OptionError("inputs", inputs, "give what to map over, such as a list")
        for each in inputs:
            _check_iterable("inputs", each, "give something to iterate over, such as range(10)")
        items = list(zip(*inputs, strict=False))
        return self._run(items, kwargs or {}, order_outputs, return_exceptions, chunksize)

    def starmap(
        self,
        inputs: Iterable[Iterable[Any]],
        *,
        kwargs: dict[str, Any] | None = None,
        order_outputs: bool = True,
        return_exceptions: bool = False,
        chunksize: int | None = None,
    ) -> MapRun[R]:
        """Like ``map``, with each item unpacked into arguments."""
        _check_iterable("inputs", inputs, "give a list of tuples, each the arguments of a call")
        items = []
        for item in inputs:
            _check_iterable("inputs", item, "each must be a tuple of arguments; for one each: map")
            items.append(tuple(item))
        return self._run(items, kwargs or {}, order_outputs, return_exceptions, chunksize)

    def with_options(self, **options: Any) -> RemoteFunction[P, R]:
        """The same function with other options. Raises ``OptionError``."""
        return RemoteFunction(self._function, parse_options(self.options, options), self.name)

    def shipped(self) -> ShippingReport:
        """What is shipped with the function, and how large it is."""
        self.version()
        assert self._package is not None
        return self._package.report

    def current_version(self) -> FunctionVersion | None:
        """The present version, if nothing has to be packaged for that."""
        package, version = self._package, self._version
        if version is not None and (package is None or package.is_current()):
            return version
        return None

    def deploy(self, name: str | None = None, *, alias: str | None = None) -> Deployed:
        """Make a version of it that runs without this notebook: an image, and an entry in the
        catalog. ``name`` is this function's, unless given; ``alias`` is led to the version. What is
        deployed already is not built again. While this process works on a server, it is deployed
        there. Raises ``DeployError``, ``PackagingError``, ``ImageError``, ``ServerGone``."""
        from nbfaas.remote.deploy import deploy

        return deploy(self, name, alias=alias)

    def mount(self, volume: Volume) -> None:
        """Mount something at a path where nothing is mounted yet; a new version."""
        if all(volume.target != there.target for there in self.options.volumes):
            with self._lock:
                volumes = tuple(sorted((*self.options.volumes, volume), key=lambda v: v.target))
                self.options = self.options.changed(volumes=volumes)
                self._package = self._version = None

    def version(self) -> FunctionVersion:
        """The present state of code and options, packaged anew if anything has changed.

        Raises ``NotPicklable`` or ``PayloadTooLarge``.
        """
        package, version = self._package, self._version
        if version is not None and package is not None and package.is_current():
            return version
        with self._lock:
            package = pack(self._function, self.name)
            if (size := len(package.payload)) > config.payload_limit:
                raise PayloadTooLarge(f"function {self.name!r}", size, config.payload_limit)
            if version is None or self._package is None or package.payload != self._package.payload:
                warn_if_large(package, config.closure_warning, stacklevel=_frames_here())
                self._package = package
                self._version = FunctionVersion.make(
                    self.name,
                    package.payload,
                    self.options,
                    requires=package.requires,
                    takes_context=self._binding().takes_context,
                    is_cell=self._is_cell,
                )
                if version is not None:
                    _supersede(version)
            else:
                self._package = package
            assert self._version is not None
            return self._version

    def _binding(self) -> Binding:
        """How it is called; looked at once."""
        if self._bound is None:
            from nbfaas.agent.binding import Binding

            self._bound = Binding(self._function)
        return self._bound

    def provided_here(self) -> ProvidedHere:
        """What its contexts have if it runs in this process."""
        from nbfaas.remote.here import ProvidedHere

        return ProvidedHere(self.name, self.options.secrets)

    def _invocation(
        self, service: Place, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Invocation:
        version = self.version()
        parts = self._dump(service, args, kwargs, f"the arguments of {self.name!r}", Sealer())
        return Invocation(service.new_id(), version, parts, queued_at=time.time())

    def _dump(
        self,
        service: Place,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        what: str,
        sealer: Sealer,
    ) -> list[Part]:
        sources = self._package.sources if self._package is not None else ()
        limit = service.settings.payload_limit
        parts = dump_arguments(args, kwargs, what, sources=sources, limit=limit)
        return parts if len(parts) == 1 else sealer.seal(parts)

    def _run(
        self,
        items: Sequence[tuple[Any, ...]],
        kwargs: dict[str, Any],
        order_outputs: bool,
        return_exceptions: bool,
        chunksize: int | None,
    ) -> MapRun[R]:
        if chunksize is not None and chunksize < 1:
            raise OptionError("chunksize", chunksize, "give a number, at least 1, or None")
        service = get_service()
        version = self.version()
        run_id = service.new_id()
        now = time.time()
        sealer = Sealer()
        what = f"of a map of {self.name!r}"

        def make(index: int, args: tuple[Any, ...]) -> Invocation:
            parts = self._dump(service, args, kwargs, f"item {index} {what}", sealer)
            return Invocation(
                f"{run_id}.{index}",
                version,
                parts,
                queued_at=now,
                run_id=run_id,
                index=index,
                chunksize=chunksize,
            )

        invocations = make_all(make, items)
        return MapRun(
            run_id,
            self.name,
            invocations,
            service,
            order_outputs=order_outputs,
            return_exceptions=return_exceptions,
        )

    def retire(self) -> None:
        """Another function has taken this one's name: let its idle sandboxes and triggers go."""
        if self.triggers:
            from nbfaas.remote.triggers import retire_triggers

            retire_triggers(self.triggers)
        if self._version is not None:
            _supersede(self._version)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """As a method: bound to its object, which is then shipped as the first argument."""
        if instance is None:
            return self
        bound = self._function.__get__(instance, owner)
        return RemoteFunction(bound, self.options, self.name)

    def __reduce__(self) -> Any:
        # In a sandbox there is no dispatcher: there it is the plain function.
        return LocalFunction, (self._function, self.name)

    def _signature(self) -> str:
        try:
            return str(inspect.signature(self._function))
        except (TypeError, ValueError):
            return "(…)"

    def __repr__(self) -> str:
        options = self.options
        from nbfaas.agent.units import format_bytes

        text = f"<RemoteFunction {self.name}{self._signature()}"
        if self._version is not None:
            text += f" @{self._version.version}"
        return (
            f"{text} on {options.image}, cpu {options.resources.cpu:g}, "
            f"{format_bytes(options.resources.memory)}>"
        )


class HandlerFunction(RemoteFunction[[Any], Any]):
    """A function made from a cell: the cell is a module, ``handler(event, context)`` its entry."""

    def __init__(self, source: str, filename: str, options: FunctionOptions, name: str) -> None:
        self._source = source
        self._filename = filename
        super().__init__(self._call_here, options, name)

    def _call_here(self, event: Any = None) -> Any:
        return self._load_here().call((event,), {}, {})

    def receive_here(self, event: Event, invoke: dict[str, Any]) -> Any:
        """Handle an event in this process; ``invoke`` is what its ``Context`` is made of."""
        return self._load_here().receive(event, invoke)

    def _load_here(self) -> Loaded:
        from nbfaas.agent.loading import load

        version = self.version()
        control = {"entry": "handler", "function": self.name, "filename": self._filename}
        return load(control, version.payload, self.provided_here())

    def version(self) -> FunctionVersion:
        if self._version is None:
            self._version = FunctionVersion.make(
                self.name,
                self._source.encode(),
                self.options,
                entry=Entry.HANDLER,
                filename=self._filename,
            )
        return self._version

    def with_options(self, **options: Any) -> HandlerFunction:
        changed = parse_options(self.options, options)
        return HandlerFunction(self._source, self._filename, changed, self.name)

    def _signature(self) -> str:
        return "(event)"

    def shipped(self) -> ShippingReport:
        size = len(self._source.encode())
        return ShippingReport(self.name, (ShippedItem("source", self._filename, size),), size)


class RemoteCaller(Generic[P, R]):
    """``f.remote(…)`` waits, and shows what the function prints; ``await f.remote.aio(…)`` does so
    without blocking the event loop."""

    def __init__(self, function: RemoteFunction[P, R]) -> None:
        self._function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        service = get_service()
        invocation = self._function._invocation(service, args, kwargs)
        service.check_may_wait(invocation.id)
        inbox: Inbox = SimpleQueue()
        invocation.listener = inbox.put
        if service.settings.echo:
            invocation.log_listener = lambda _, *chunk: inbox.put(chunk)
        dispatcher = service.dispatcher
        try:
            waited_for[invocation.id] = invocation
            dispatcher.submit([invocation])
            Echo(call_watch(invocation, service)).follow(inbox)
        except KeyboardInterrupt:
            dispatcher.cancel([invocation])
            raise
        finally:
            waited_for.pop(invocation.id, None)
        if invocation.error is not None:
            raise invocation.error
        return invocation.value  # type: ignore[no-any-return]

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """The call, to be awaited; cancelling the awaiting coroutine cancels it."""
        return self._function.spawn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<remote caller of {self._function!r}>"


def _check_iterable(option: str, value: object, wanted: str) -> None:
    try:
        iter(value)  # type: ignore[call-overload]
    except TypeError:
        raise OptionError(option, value, wanted) from None


def _frames_here() -> int:
    """How many frames of this package lie between ``version`` and the user's line, so that a
    warning points at that line."""
    depth = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("nbfaas."):
        frame = frame.f_back
        depth += 1
    return depth


def _supersede(version: FunctionVersion) -> None:
    service = current_service()
    if service is not None and not service.failed:
        service.dispatcher.supersede(version.digest)
