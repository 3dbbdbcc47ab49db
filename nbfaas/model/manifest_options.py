"""``FunctionOptions`` to and from what manifests hold of them."""

from __future__ import annotations

import importlib
from operator import attrgetter

from nbfaas.errors.deploy import NotDeployable
from nbfaas.model.function import FunctionOptions, Isolation, Resources, Retries, Volume
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import OptionsManifest, RetriesManifest, VolumeManifest
from nbfaas.model.secret import Secret


def describe_options(function: str, options: FunctionOptions) -> OptionsManifest:
    """Raises ``NotDeployable`` for what has a meaning in this process only."""
    resources, retries = options.resources, options.retries
    return OptionsManifest(
        cpu=float(resources.cpu),
        memory=resources.memory,
        pids=resources.pids,
        scratch=resources.scratch,
        timeout=None if options.timeout is None else float(options.timeout),
        retries=RetriesManifest(
            retries.max_retries,
            float(retries.initial_delay),
            float(retries.backoff_coefficient),
            float(retries.max_delay),
            tuple(_type_name(function, each) for each in retries.retry_on),
        ),
        max_containers=options.max_containers,
        env=options.env,
        volumes=tuple(VolumeManifest(v.target, v.source, v.read_only) for v in options.volumes),
        network=options.network,
        isolation=options.isolation,
        trust=options.trust,
    )


def restore_options(
    function: str, options: OptionsManifest, image: ImageSpec, secrets: tuple[str, ...] = ()
) -> FunctionOptions:
    """``secrets`` are names of environment variables, which must have their values by the time of
    the first call. Raises ``NotDeployable`` if a type that ``retry_on`` names can't be imported
    here."""
    given = options.retries
    return FunctionOptions(
        image=image,
        resources=Resources(options.cpu, options.memory, options.pids, options.scratch),
        timeout=options.timeout,
        retries=Retries(
            given.max_retries,
            given.initial_delay,
            given.backoff_coefficient,
            given.max_delay,
            tuple(_type_named(function, name) for name in given.retry_on),
        ),
        max_containers=options.max_containers,
        env=options.env,
        volumes=tuple(Volume(v.target, v.source, v.read_only) for v in options.volumes),
        network=options.network,
        isolation=Isolation(options.isolation),
        trust=options.trust,
        secrets=(Secret.expected(secrets),) if secrets else (),
    )


def _type_name(function: str, kind: type[BaseException]) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ == "__main__" or "<" in kind.__qualname__:
        raise NotDeployable(
            function,
            f"retry_on names {kind.__qualname__}, which is defined in the notebook: a server would "
            "not know it",
            "Name a builtin exception, or one of an installed package.",
        )
    return name


def _type_named(function: str, name: str) -> type[BaseException]:
    module, _, qualname = name.partition(":")
    try:
        found = attrgetter(qualname)(importlib.import_module(module))
    except Exception as error:
        raise NotDeployable(
            function,
            f"its retry_on names {name}, which can't be imported here ({error})",
            f"Install the package that has {module!r} where the function is run from.",
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise NotDeployable(function, f"its retry_on names {name}, which is no exception", "")
    return found
