"""Manifests: what decides a version, and what does not."""

from __future__ import annotations

import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.dispatch.retry import retry_delay
from nbfaas.errors import ManifestUnreadable, NotDeployable, RemoteError, SandboxCrashed
from nbfaas.model.function import FunctionOptions, Resources, Retries, Volume
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import FunctionManifest, ImageManifest, content_hash_of, read_manifest
from nbfaas.model.manifest_options import describe_options, restore_options
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.packager.rebuild import rebuild_exception


def manifest(**changes: object) -> FunctionManifest:
    made = FunctionManifest(
        name="thumb",
        version="v1",
        function="thumb",
        entry="function",
        options=describe_options(FunctionOptions()),
        image=ImageManifest("runtime", "python", "3.11", packages={"b": "2", "a": "1"}),
        payload_hash="0" * 64,
        payload_size=3,
    )
    return msgspec.structs.replace(made, **changes).sealed()


def test_the_content_hash_is_the_same_for_ever():
    # A change of this value gives every deployed function a new version: see SCHEMA.
    assert (
        manifest().content_hash
        == "7874439c5df1b2ebc75378b75de6f18a02a81eb624ce70224eae32b551184891"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"version": "v7"},
        {"nbfaas": "9.9"},
        {"agent": "0123456789ab"},
        {"cloudpickle": "9"},
        {"source": "def thumb(): ..."},
        {"image": ImageManifest("runtime", "python", "3.11", packages={"a": "1", "b": "2"})},
    ],
)
def test_names_versions_of_tools_and_orders_are_not_in_the_hash(change):
    assert manifest(**change).content_hash == manifest().content_hash


@pytest.mark.parametrize(
    "change",
    [
        {"payload_hash": "1" * 64},
        {"requires": ("numpy",)},
        {"secrets": ("TOKEN",)},
        {"image": ImageManifest("runtime", "python", "3.11", packages={"a": "1", "b": "3"})},
        {"image": ImageManifest("runtime", "python", "3.12", packages={"a": "1", "b": "2"})},
        {"options": describe_options(FunctionOptions(timeout=1.0))},
        {"triggers": (TriggerSpec(kind="every", name="t", arguments=(5,)),)},
    ],
)
def test_what_the_function_does_is_in_the_hash(change):
    assert manifest(**change).content_hash != manifest().content_hash


def test_a_manifest_is_read_as_it_was_written():
    written = manifest(triggers=(TriggerSpec(kind="every", name="t", arguments=(5,)),))
    read = read_manifest(written.to_json(), "here")
    assert read == written
    assert content_hash_of(read) == written.content_hash


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"{}", "schema"),
        (b'{"schema": 99}', "newer nbfaas"),
        (b"[1]", "object"),
    ],
)
def test_what_is_no_manifest_is_told(data, reason):
    with pytest.raises(ManifestUnreadable, match=rf"the image x.*{reason}"):
        read_manifest(data, "the image x")


volumes = st.builds(
    Volume,
    st.sampled_from(["/data", "/cache"]),
    st.sampled_from(["name", "/srv/x"]),
    st.booleans(),
)
options = st.builds(
    FunctionOptions,
    resources=st.builds(Resources, cpu=st.floats(0.1, 8), memory=st.integers(16 << 20, 1 << 40)),
    timeout=st.none() | st.floats(0.1, 1e6),
    retries=st.builds(
        Retries, st.integers(0, 9), retry_on=st.sampled_from([(Exception,), (KeyError, OSError)])
    ),
    max_containers=st.none() | st.integers(1, 99),
    env=st.lists(st.tuples(st.text("AB", min_size=1), st.text()), max_size=2).map(tuple),
    volumes=st.lists(volumes, max_size=2).map(tuple),
    network=st.booleans(),
    trust=st.lists(st.sampled_from(["a", "b"]), unique=True).map(tuple),
)


@given(options)
def test_options_come_back_from_json(given_options):
    described = describe_options(given_options)
    data = msgspec.json.encode(described)
    image = ImageSpec("function", "sha256:0")
    restored = restore_options("thumb", msgspec.json.decode(data, type=type(described)), image)
    assert restored == given_options.changed(image=image)


class Mine(Exception):
    pass


class MyOwn(Mine):
    pass


def retried_on(*names: str) -> Retries:
    """As a manifest's ``retry_on`` with these names is understood."""
    options = manifest().options
    told = msgspec.structs.replace(options.retries, max_retries=1, retry_on=names)
    changed = msgspec.structs.replace(options, retries=told)
    return restore_options("thumb", changed, ImageSpec()).retries


def test_what_is_retried_on_is_told_by_the_names_of_its_classes():
    mine = retried_on(f"{__name__}:Mine")
    assert [retry_delay(mine, 1, each) is not None for each in (Mine(), MyOwn(), OSError())] == [
        True,
        True,
        False,
    ]
    lost = retried_on("nbfaas.errors:SandboxLost", "builtins:OSError")
    assert retry_delay(lost, 1, SandboxCrashed("f", "s", exit_code=1)) is not None
    assert retry_delay(lost, 1, FileNotFoundError()) is not None
    assert retry_delay(lost, 1, ValueError()) is None


def test_a_type_that_is_not_known_here_is_told_by_what_the_sandbox_says_of_it():
    unknown = retried_on("gone_away:Oops")
    kind = {"type_module": "gone_away", "type_qualname": "Worse"}
    raised = rebuild_exception(
        {**kind, "bases": ["gone_away.Worse", "gone_away.Oops"]}, function="f"
    )
    assert type(raised) is RemoteError
    assert retry_delay(unknown, 1, raised) is not None
    other = rebuild_exception({**kind, "bases": ["gone_away.Worse"]}, function="f")
    assert retry_delay(unknown, 1, other) is None
    assert retry_delay(unknown, 1, rebuild_exception({"bases": 5}, function="f")) is None


def test_nothing_that_a_manifest_names_is_imported(monkeypatch, tmp_path):
    (tmp_path / "tells.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    retries = retried_on("tells:Oops", "nbfaas.cli.serve:Oops", "not there:at all")
    assert retry_delay(retries, 1, Exception()) is None
    assert not (tmp_path / "imported").exists()
    assert "tells" not in sys.modules


@pytest.mark.parametrize(
    "name", ["", "Oops", ":Oops", "m:", "m:\0", "builtins:open", "builtins:int"]
)
def test_what_can_be_no_exception_is_told(name):
    with pytest.raises(NotDeployable, match="its retry_on names"):
        retried_on(name)


def test_retried_on_is_the_same_in_the_version_and_in_another_manifest_made_of_it():
    local = type("Local", (Exception,), {"__module__": "__main__", "__qualname__": "f.<locals>.L"})
    given = FunctionOptions(retries=Retries(1, retry_on=(local, Mine, OSError)))
    described = describe_options(given)
    restored = restore_options("thumb", described, given.image)
    assert describe_options(restored) == described
    assert restored.fingerprint() == given.fingerprint()
    assert restored == restore_options("thumb", described, given.image)


@pytest.mark.parametrize(
    "options",
    [
        {"memory": 0},
        {"memory": -1},
        {"pids": 0},
        {"pids": -1},
        {"scratch": 0},
        {"cpu": 0.0},
        {"timeout": -1.0},
        {"max_containers": 0},
    ],
)
def test_no_manifest_does_without_limits(options):
    made = manifest(options=msgspec.structs.replace(manifest().options, **options))
    (name,) = options
    with pytest.raises(ManifestUnreadable, match=rf"`\$\.options\.{name}`"):
        read_manifest(made.to_json(), "the image x")


def test_the_python_of_a_manifest_is_a_version():
    image = ImageManifest("runtime", "python", "3.11\nRUN true")
    with pytest.raises(ManifestUnreadable, match=r"image\.python"):
        read_manifest(manifest(image=image).to_json(), "the image x")


@pytest.mark.parametrize(
    "schema",
    [{"properties": 5}, {"properties": {"x": 1}}, {"allOf": 1}, {"$defs": []}, {"required": "x"}],
)
def test_a_schema_that_is_none_makes_a_manifest_unreadable(schema):
    with pytest.raises(ManifestUnreadable, match="the image x"):
        read_manifest(manifest(data_schema=schema).to_json(), "the image x")


def test_a_manifest_that_is_nested_without_end_is_unreadable():
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    data = manifest().to_json().replace(b'"data_schema": null', b'"data_schema": ' + deep)
    with pytest.raises(ManifestUnreadable, match="the image x"):
        read_manifest(data, "the image x")
