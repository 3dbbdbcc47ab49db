"""What versions from a registry may ask for."""

from __future__ import annotations

import contextlib
import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import a_manifest
from patterns import events, patterns

from nbfaas.catalog import Catalog
from nbfaas.errors import BadPattern, ConfigurationError, NotAllowed
from nbfaas.errors.serve import ServerConfigError, UnknownKey
from nbfaas.model.allowance import Allowance, allowance, keys_for, not_allowed
from nbfaas.model.event_types import is_covered, types_of
from nbfaas.model.manifest import FunctionManifest, VolumeManifest
from nbfaas.model.trigger_spec import DestinationSpec, TriggerSpec
from nbfaas.remote.allowing import check_allowed
from nbfaas.rules import Pattern
from nbfaas.server.config import parse_config
from nbfaas.settings import Settings, config


def asking(**options) -> FunctionManifest:
    """``volumes`` are sources."""
    manifest = a_manifest()
    outside = {name: options.pop(name) for name in ("secrets", "triggers") if name in options}
    volumes = tuple(VolumeManifest("/in", each, True) for each in options.pop("volumes", ()))
    changed = msgspec.structs.replace(manifest.options, volumes=volumes, **options)
    return msgspec.structs.replace(manifest, options=changed, **outside)


def on_event(pattern: object) -> TriggerSpec:
    return TriggerSpec(kind="event", name="e", arguments=(pattern,))


def test_what_asks_for_nothing_may_run():
    assert not_allowed(a_manifest(), Allowance()) == []


@pytest.mark.parametrize(
    ("manifest", "what", "key"),
    [
        (asking(network=True), "the network", "network = true"),
        (asking(trust=("numpy.*",)), "results of the types numpy.*", "trust = true"),
        (asking(volumes=["/data/in"]), "the folder /data/in to read", 'volumes = ["/data/in"]'),
        (asking(volumes=["cache"]), "the volume cache to read", 'volumes = ["cache"]'),
        (asking(secrets=("KEY",)), "the variable KEY as a secret", 'secrets = ["KEY"]'),
        (
            asking(triggers=(TriggerSpec(kind="queue", name="q", arguments=("redis://x",)),)),
            "a queue (trigger q)",
            "network = true",
        ),
        (
            asking(triggers=(TriggerSpec(kind="file", name="f", arguments=("/data/in/*.csv",)),)),
            "to watch /data/in (trigger f)",
            'volumes = ["/data/in"]',
        ),
        (
            asking(
                triggers=(
                    TriggerSpec(
                        kind="every", name="e", on_success=DestinationSpec("url", "http://x/")
                    ),
                )
            ),
            "to send to http://x/ (trigger e)",
            "network = true",
        ),
        (
            asking(
                triggers=(
                    TriggerSpec(
                        kind="http", name="h", arguments=("GET", "/x"), options={"auth": False}
                    ),
                )
            ),
            "a route without a token (trigger h)",
            "network = true",
        ),
        (
            asking(triggers=(on_event({"type": ["order.created"]}),)),
            "the events order.created on the bus (trigger e)",
            'events = ["order.created"]',
        ),
        (
            asking(triggers=(on_event({"type": [{"prefix": "order."}]}),)),
            "the events order.* on the bus (trigger e)",
            'events = ["order.*"]',
        ),
        (
            asking(triggers=(on_event({"data": {"total": [1]}}),)),
            "all events on the bus (trigger e)",
            'events = ["*"]',
        ),
        (
            asking(
                triggers=(
                    TriggerSpec(
                        kind="every", name="e", on_failure=DestinationSpec("type", "order.paid")
                    ),
                )
            ),
            "to send events order.paid (trigger e)",
            'events = ["order.paid"]',
        ),
        (
            asking(
                triggers=(
                    TriggerSpec(
                        kind="every", name="e", on_success=DestinationSpec("function", "pay:dev")
                    ),
                )
            ),
            "to send to the function pay (trigger e)",
            'destinations = ["pay"]',
        ),
    ],
)
def test_each_thing_is_refused_by_default_and_the_key_that_is_told_allows_it(manifest, what, key):
    (ask,) = asks = not_allowed(manifest, Allowance())
    assert ask.what == what
    assert keys_for(asks) == key
    assert not_allowed(manifest, allowance(tomllib.loads(key))) == []


def test_a_function_may_send_to_itself_and_to_those_that_fit_a_pattern():
    def sending(to: str) -> FunctionManifest:
        spec = TriggerSpec(kind="every", name="e", on_failure=DestinationSpec("function", to))
        return asking(triggers=(spec,))

    allowed = Allowance(destinations=("report-*",))
    assert not_allowed(sending(sending("x").name), Allowance()) == []
    assert not_allowed(sending("report-daily"), allowed) == []
    assert not_allowed(sending("report"), allowed)


def test_what_is_told_of_several_things_allows_them_all():
    manifest = asking(network=True, volumes=["/a", "/b"], secrets=("K",), trust=("x.Y",))
    asks = not_allowed(manifest, Allowance())
    told = f"allow = {{ {keys_for(asks)} }}"
    assert not_allowed(manifest, allowance(tomllib.loads(told)["allow"])) == []


@pytest.mark.parametrize(
    ("source", "pattern", "allowed"),
    [
        ("/data", "/data", True),
        ("/data", "/data/", True),
        ("/data/in", "/data", False),
        ("/data/in", "/data/*", True),
        ("/database", "/data", False),
        ("/data/in/deep", "/data/*", False),
        ("/data/in/deep", "/data/*/deep", True),
        ("/data", "/data/*", False),
        ("/data/../etc", "/data", False),
        ("/data/x/../../etc", "/data/*", False),
        ("/data/../etc", "/data/*", False),
        ("/", "/data", False),
        ("cache", "/data", False),
        ("cache", "cac*", True),
        ("cache", "*", True),
        ("/etc", "*", False),
        ("/", "/", True),
        ("/etc", "/", False),
    ],
)
def test_a_folder_is_allowed_by_where_it_is(source, pattern, allowed):
    asks = not_allowed(asking(volumes=[source]), Allowance(volumes=(pattern,)))
    assert (asks == []) is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ({"type": ["order.created", "order.paid"]}, True),
        ({"type": ["order.created", "invoice.paid"]}, False),
        ({"type": ["order.created"], "$or": [{"source": ["a"]}, {"source": ["b"]}]}, True),
        ({"$or": [{"type": ["order.a"]}, {"type": ["order.b"], "data": {"x": [1]}}]}, True),
        ({"$or": [{"type": ["order.a"]}, {"data": {"x": [1]}}]}, False),
        ({"$or": [{"$or": [{"type": ["order.a"]}, {"type": ["b"]}]}, {"type": ["order."]}]}, False),
        ({"type": [{"prefix": "order.x"}]}, True),
        ({"type": [{"prefix": "order"}]}, False),
        ({"type": [{"wildcard": "order.*.paid"}]}, True),
        ({"type": [{"wildcard": "*order.*"}]}, False),
        ({"type": [{"wildcard": r"order.\\*"}]}, True),
        ({"type": [{"suffix": "order."}]}, False),
        ({"type": [{"prefix": {"equals-ignore-case": "order."}}]}, False),
        ({"type": [{"equals-ignore-case": "order.a"}]}, False),
        ({"type": [{"anything-but": "order.a"}]}, False),
        ({"type": [{"prefix": "order.", "suffix": "x"}]}, False),
        ({"type": [{"exists": True}]}, False),
        ({"type": "order.created"}, False),
        ({"data": {"type": ["order.created"]}}, False),
        ("order.created", True),
        ("orders", False),
        ('{"source": ["order."]}', False),
        (None, False),
    ],
)
def test_a_trigger_gets_no_types_of_events_but_those_that_are_allowed(pattern, allowed):
    asks = not_allowed(asking(triggers=(on_event(pattern),)), Allowance(events=("order.*",)))
    assert (asks == []) is allowed


def test_only_stars_are_wildcards_of_events_and_all_may_be_allowed():
    manifest = asking(triggers=(on_event({"type": [{"prefix": "a"}]}),))
    for pattern in ("a?", "a[*]", "?*", "[a]*", "A*", "a"):
        assert not_allowed(manifest, Allowance(events=(pattern,))), pattern
    for pattern in ("*", "a*", "a**", "*a*"):
        assert not not_allowed(manifest, Allowance(events=(pattern,))), pattern
    assert not not_allowed(asking(triggers=(on_event("a?[b]"),)), Allowance(events=("a?[b]",)))
    deep: dict[str, object] = {"type": ["a"]}
    for _ in range(100):
        deep = {"$or": [deep, {"type": ["a"]}]}
    assert not_allowed(asking(triggers=(on_event(deep),)), Allowance(events=("a",)))


@given(patterns, events, st.sampled_from(["x", "xy", "", "y", "order.created"]))
def test_whatever_matches_a_pattern_has_a_type_that_was_told_of_it(pattern, event, kind):
    with contextlib.suppress(BadPattern):
        if Pattern.parse(pattern).matches({**event, "type": kind}):
            assert is_covered(kind, types_of(pattern))


def test_a_link_out_of_what_is_allowed_is_not_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "out").symlink_to("/etc")
    (tmp_path / "data" / "in").mkdir()
    (tmp_path / "data" / "within").symlink_to(tmp_path / "data" / "in")
    allowed = Allowance(volumes=(f"{tmp_path}/data/*",))
    assert not_allowed(asking(volumes=[str(tmp_path / "data" / "out")]), allowed)
    assert not_allowed(asking(volumes=[str(tmp_path / "data" / "out" / "ssl")]), allowed)
    assert not not_allowed(asking(volumes=[str(tmp_path / "data" / "within")]), allowed)


def test_a_folder_that_another_one_s_writer_could_replace_has_to_be_named():
    manifest = asking(volumes=["/data/a", "/data/a/b"])
    asks = not_allowed(manifest, Allowance(volumes=("/data/*",)))
    assert [each.what for each in asks] == ["the folder /data/a/b to read"]
    assert not not_allowed(manifest, Allowance(volumes=("/data/*", "/data/a/b")))


def test_the_error_names_version_wishes_and_keys(monkeypatch):
    monkeypatch.setattr(config, "allow", {"network": True})
    with pytest.raises(NotAllowed, match=r"thumb:v1 came from a registry and asks for") as refused:
        check_allowed(asking(network=True, volumes=["/etc"]))
    assert refused.value.asks == ("the folder /etc to read",)
    assert 'allow = { volumes = ["/etc"] } in nbfaas.toml' in str(refused.value)
    monkeypatch.setattr(config, "allow", {"network": True, "volumes": ["/etc"]})
    check_allowed(asking(network=True, volumes=["/etc"]))


def test_the_setting_is_checked_where_it_is_set(monkeypatch):
    with pytest.raises(ConfigurationError, match="no such key as 'netwrok'; did you mean 'netw"):
        Settings(allow={"netwrok": True})
    with pytest.raises(ConfigurationError, match="allow: Expected `bool`"):
        Settings(allow={"network": "yes"})
    monkeypatch.setenv("NBFAAS_ALLOW", '{"network": true, "volumes": ["/data/*"]}')
    assert Settings().allow == {"network": True, "volumes": ["/data/*"]}
    monkeypatch.setenv("NBFAAS_ALLOW", "network")
    with pytest.raises(ConfigurationError, match="NBFAAS_ALLOW='network' is not valid"):
        Settings()


def test_a_server_has_it_in_its_configuration():
    text = '[allow]\nnetwork = true\nvolumes = ["/data/*"]\n'
    assert parse_config(text).allow == Allowance(network=True, volumes=("/data/*",))
    assert parse_config("").allow is None
    with pytest.raises(UnknownKey, match=r"f.toml: allow.networks: .* did you mean 'network'"):
        parse_config("allow = { networks = true }", "f.toml")
    with pytest.raises(ServerConfigError, match=r"f.toml: allow.trust: expected `bool`"):
        parse_config("allow = { trust = 1 }", "f.toml")


def test_what_was_deployed_here_did_not_come_from_a_registry(tmp_path):
    catalog = Catalog(tmp_path / "catalog.db")
    version = catalog.add(a_manifest(), "sha256:1")
    assert not catalog.came_from_registry(version)
    catalog.pin(version, "localhost:1/thumb", "sha256:2", "pushed")
    assert not catalog.came_from_registry(version)
    catalog.pin(version, "localhost:2/thumb", "sha256:3", "pulled")
    assert catalog.came_from_registry(version)
    catalog.adopt(version)
    assert not catalog.came_from_registry(version)
