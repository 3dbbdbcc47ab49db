"""The catalog: versions, aliases, rollback, against a model of a few lines."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from manifests import a_manifest

from nbfaas.catalog import Catalog
from nbfaas.cli import main
from nbfaas.errors import (
    BadDeployment,
    CatalogUnavailable,
    IntegrityError,
    NotDeployed,
    NothingToRollBack,
    UnknownVersion,
    VersionInUse,
)
from nbfaas.settings import config


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return Catalog(tmp_path / "catalog.db")


def add(catalog: Catalog, name: str = "thumb", content: str = "a") -> int:
    number = catalog.next_number(name)
    return catalog.add(a_manifest(name, number, content), f"sha256:{number}").number


def test_versions_are_found_by_number_alias_and_as_the_latest(catalog):
    add(catalog), add(catalog, content="b")
    catalog.set_alias("thumb", "prod", "v1")
    assert catalog.version("thumb").label == "v2"
    assert catalog.version("thumb", "latest").label == "v2"
    assert catalog.version("thumb", "v1").label == "v1"
    assert catalog.version("thumb", "prod").label == "v1"
    assert catalog.version("thumb", "v1").manifest == a_manifest("thumb", 1, "a")


def test_a_canary_is_another_version_and_a_new_alias_needs_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "data_dir", str(tmp_path))
    catalog = Catalog(tmp_path / "catalog.db")
    add(catalog), add(catalog, content="b")

    def alias(*arguments: str) -> str:
        return CliRunner().invoke(main, ["alias", "thumb", "prod", *arguments]).output

    whole = "nbfaas alias thumb prod VERSION --canary v2 --percent 12.5"
    assert whole in alias("--canary", "v2", "--percent", "12.5")
    both = alias("v2", "--canary", "v2", "--percent", "10")
    assert "both would be v2: a canary is another version" in both
    assert alias("v1", "--canary", "v2", "--percent", "10") == "prod → v1 0.9, v2 0.1\n"


def test_the_same_content_is_found_again(catalog):
    add(catalog), add(catalog, content="b")
    content_hash = a_manifest(content="a").content_hash
    found = catalog.same("thumb", content_hash, "0123456789ab")
    assert found is not None
    assert found.label == "v1"
    assert catalog.same("thumb", content_hash, "another agent") is None
    assert catalog.same("other", content_hash, "0123456789ab") is None


def test_another_content_is_not_taken_for_a_known_version(catalog):
    add(catalog)
    with pytest.raises(IntegrityError, match="thumb v1 is not what was deployed"):
        catalog.add(a_manifest("thumb", 1, "b"), "sha256:9")
    assert catalog.version("thumb", "v1").content_hash == a_manifest(content="a").content_hash


def test_unknown_names_are_told_with_the_nearest(catalog):
    with pytest.raises(NotDeployed, match="there is none yet"):
        catalog.version("thumb")
    add(catalog)
    catalog.set_alias("thumb", "prod", "v1")
    with pytest.raises(NotDeployed, match="did you mean 'thumb'"):
        catalog.versions("thump")
    with pytest.raises(UnknownVersion, match="did you mean 'prod'"):
        catalog.version("thumb", "pord")
    with pytest.raises(UnknownVersion, match="There are 'prod', 'v1'"):
        catalog.version("thumb", "v3")
    with pytest.raises(UnknownVersion):
        catalog.set_alias("thumb", "dev", "v3")


@pytest.mark.parametrize("alias", ["v1", "latest", "", "a b", "1a", "x" * 64, "a:b"])
def test_an_alias_has_a_name_that_can_t_be_mistaken(catalog, alias):
    add(catalog)
    with pytest.raises(BadDeployment):
        catalog.set_alias("thumb", alias, "v1")


def test_a_version_in_use_is_not_removed(catalog):
    add(catalog), add(catalog, content="b"), add(catalog, content="c")
    catalog.set_alias("thumb", "prod", "v1", "v2", 0.1)
    for reference in ("v1", "v2", None):
        with pytest.raises(VersionInUse, match="prod leads to it"):
            catalog.remove("thumb", reference)
    assert len(catalog.versions("thumb")) == 3
    catalog.remove_alias("thumb", "prod")
    assert len(catalog.remove("thumb")) == 3
    with pytest.raises(NotDeployed):
        catalog.versions("thumb")


def test_a_number_is_never_given_twice(catalog):
    add(catalog), add(catalog, content="b")
    catalog.remove("thumb", "v2")
    assert add(catalog, content="c") == 3


def test_a_rollback_does_not_lead_to_what_was_rolled_back_from(catalog):
    for content in "abc":
        add(catalog, content=content)
    for version in ("v1", "v2"):
        catalog.set_alias("thumb", "prod", version)
    assert catalog.rollback("thumb", "prod").version == 1
    catalog.set_alias("thumb", "prod", "v3")
    assert catalog.rollback("thumb", "prod").version == 1
    with pytest.raises(NothingToRollBack):
        catalog.rollback("thumb", "prod")
    hows = [(move.how, move.version) for move in reversed(catalog.moves("thumb"))]
    assert hows == [("set", 1), ("set", 2), ("rollback", 1), ("set", 3), ("rollback", 1)]


def test_a_rollback_leaves_out_versions_that_are_gone(catalog):
    for content in "abc":
        add(catalog, content=content)
        catalog.set_alias("thumb", "prod", "latest")
    catalog.remove("thumb", "v2")
    assert catalog.rollback("thumb", "prod").version == 1


def test_pins_say_where_a_version_is(catalog):
    add(catalog)
    version = catalog.version("thumb")
    catalog.pin(version, "localhost:1/thumb", "sha256:1", "pushed")
    catalog.pin(version, "localhost:1/thumb", "sha256:2", "pulled")
    (pin,) = catalog.pins(version)
    assert (pin.reference, pin.how) == ("localhost:1/thumb@sha256:2", "pulled")
    catalog.remove("thumb")
    assert catalog.pins(version) == ()


def test_a_file_that_is_no_catalog_is_left_alone(tmp_path):
    path = tmp_path / "catalog.db"
    path.write_bytes(b"my diary" * 1000)
    with pytest.raises(CatalogUnavailable, match="it is damaged"):
        Catalog(path).functions()
    assert path.read_bytes() == b"my diary" * 1000


def test_a_folder_that_can_t_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogUnavailable, match="NBFAAS_DATA_DIR"):
        Catalog(tmp_path / "file" / "catalog.db").functions()


def _move_often(path: Path, name: str) -> None:
    catalog = Catalog(path)
    for _ in range(20):
        catalog.set_alias("thumb", name, "v1")
        catalog.set_alias("thumb", name, "v2")


def test_several_processes_move_aliases_at_once(catalog, tmp_path):
    add(catalog), add(catalog, content="b")
    context = multiprocessing.get_context("spawn")
    names = ("one", "two", "three")
    movers = [
        context.Process(target=_move_often, args=(tmp_path / "catalog.db", name)) for name in names
    ]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(60)
        assert mover.exitcode == 0
    assert len(catalog.moves("thumb")) == 3 * 40
    assert {alias.version for alias in catalog.aliases("thumb")} == {2}


class CatalogMachine(RuleBasedStateMachine):
    """The model: the versions there are, and for each alias the states it was set to, as a stack
    that a rollback takes from."""

    aliases = st.sampled_from(["prod", "dev"])

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.catalog = Catalog(Path(self.folder.name, "catalog.db"))
        self.versions: set[int] = set()
        self.last = 0
        self.stacks: dict[str, list[tuple[int, int | None, float]]] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(content=st.sampled_from("abcdef"))
    def deploy(self, content: str) -> None:
        self.last += 1
        assert add(self.catalog, content=content) == self.last
        self.versions.add(self.last)

    @precondition(lambda self: self.versions)
    @rule(alias=aliases, data=st.data(), weight=st.sampled_from([0.0, 0.25, 1.0]))
    def move(self, alias, data, weight) -> None:
        first = data.draw(st.sampled_from(sorted(self.versions)))
        others = [None, *sorted(self.versions - {first})]
        other = data.draw(st.sampled_from(others))
        share = None if other is None else weight
        label = None if other is None else f"v{other}"
        self.catalog.set_alias("thumb", alias, f"v{first}", label, share)
        stack = self.stacks.setdefault(alias, [])
        state = (first, other, share or 0.0)
        if not stack or stack[-1] != state:
            stack.append(state)

    @precondition(lambda self: self.stacks)
    @rule(data=st.data())
    def rollback(self, data) -> None:
        alias = data.draw(st.sampled_from(sorted(self.stacks)))
        below = self.stacks[alias][:-1]
        while below and not {n for n in below[-1][:2] if n} <= self.versions:
            below.pop()
        if below:
            self.catalog.rollback("thumb", alias)
            self.stacks[alias] = below
        else:
            with pytest.raises(NothingToRollBack):
                self.catalog.rollback("thumb", alias)

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def remove(self, data) -> None:
        number = data.draw(st.sampled_from(sorted(self.versions)))
        if any(number in stack[-1][:2] for stack in self.stacks.values()):
            with pytest.raises(VersionInUse):
                self.catalog.remove("thumb", f"v{number}")
        else:
            self.catalog.remove("thumb", f"v{number}")
            self.versions.discard(number)

    @invariant()
    def the_catalog_is_as_the_model(self) -> None:
        if not self.versions:
            return
        assert {each.number for each in self.catalog.versions("thumb")} == self.versions
        led = {a.alias: (a.version, a.other, a.weight) for a in self.catalog.aliases("thumb")}
        assert led == {alias: stack[-1] for alias, stack in self.stacks.items()}


TestCatalogMachine = CatalogMachine.TestCase
TestCatalogMachine.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
