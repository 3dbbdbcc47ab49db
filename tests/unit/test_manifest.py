"""Manifests: what decides a version, and what does not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.errors import ManifestUnreadable, NotDeployable
from nbfaas.model.function import FunctionOptions, Resources, Retries, Volume
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import FunctionManifest, ImageManifest, content_hash_of, read_manifest
from nbfaas.model.manifest_options import describe_options, restore_options
from nbfaas.model.trigger_spec import TriggerSpec


def manifest(**changes: object) -> FunctionManifest:
    made = FunctionManifest(
        name="thumb",
        version="v1",
        function="thumb",
        entry="function",
        options=describe_options("thumb", FunctionOptions()),
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
        {"options": describe_options("thumb", FunctionOptions(timeout=1.0))},
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
    described = describe_options("thumb", given_options)
    data = msgspec.json.encode(described)
    image = ImageSpec("function", "sha256:0")
    restored = restore_options("thumb", msgspec.json.decode(data, type=type(described)), image)
    assert restored == given_options.changed(image=image)


def test_an_exception_of_the_notebook_can_t_be_retried_on_elsewhere():
    mine = type("Mine", (Exception,), {"__module__": "__main__"})
    with pytest.raises(NotDeployable, match="retry_on names Mine, which is defined in the noteb"):
        describe_options("thumb", FunctionOptions(retries=Retries(1, retry_on=(mine,))))


def test_an_exception_that_is_not_installed_here_is_named():
    described = describe_options("thumb", FunctionOptions())
    elsewhere = msgspec.structs.replace(
        described, retries=msgspec.structs.replace(described.retries, retry_on=("gone_away:Oops",))
    )
    with pytest.raises(NotDeployable, match="retry_on names gone_away:Oops"):
        restore_options("thumb", elsewhere, ImageSpec())


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


def test_a_module_of_retry_on_that_fails_as_it_is_imported_is_told(monkeypatch, tmp_path):
    (tmp_path / "fails_at_once.py").write_text("raise RuntimeError('not here')")
    monkeypatch.syspath_prepend(tmp_path)
    options = manifest().options
    retries = msgspec.structs.replace(options.retries, retry_on=("fails_at_once:Error",))
    with pytest.raises(NotDeployable, match="retry_on names fails_at_once:Error"):
        restore_options("f", msgspec.structs.replace(options, retries=retries), ImageSpec())
