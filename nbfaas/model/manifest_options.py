"""``FunctionOptions`` to and from what manifests hold of them."""

from __future__ import annotations

from nbfaas.errors.deploy import NotDeployable
from nbfaas.model.function import FunctionOptions, Isolation, Resources, Retries, Volume
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import OptionsManifest, RetriesManifest, VolumeManifest
from nbfaas.model.named_exceptions import exception_named, name_of
from nbfaas.model.secret import Secret


def describe_options(options: FunctionOptions) -> OptionsManifest:
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
            tuple(map(name_of, retries.retry_on)),
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
    the first call. What ``retry_on`` names is not imported. Raises ``NotDeployable`` if it can't be
    the name of an exception."""
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


def _type_named(function: str, name: str) -> type[BaseException]:
    try:
        return exception_named(name)
    except ValueError as error:
        raise NotDeployable(function, f"its retry_on names {name!r}, which {error}", "") from None
