"""Tags and labels: equal content has equal names, other content has others."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from nbfaas.errors import ImageBuildFailed
from nbfaas.images.agent_layer import HOME, SCRIPT, agent_files, agent_hash
from nbfaas.images.base import HOST_PYTHON
from nbfaas.images.built import BuiltImage
from nbfaas.images.layer import Layer
from nbfaas.images.plan import Plan, layer_key
from nbfaas.images.probe import Probe
from nbfaas.images.progress import BuildProgress, Steps
from nbfaas.images.runtimes import read_requirements, runtimes
from nbfaas.images.sources import Sources
from nbfaas.model.image import ImageSpec

PLAN = Plan(ImageSpec(), "interpreter-1", (), "", "agent1")
PROBE = Probe(HOST_PYTHON, "/usr/bin/python3", "/usr/lib/site-packages", "x86_64", "2.36")


def test_the_tag_names_runtime_and_python_and_stays_the_same():
    assert PLAN.tag.startswith(f"nbfaas/python:{HOST_PYTHON}-")
    assert PLAN.tag == replace(PLAN).tag


def test_whatever_changes_the_content_changes_the_tag():
    spec = PLAN.spec
    others = [
        replace(PLAN, base="interpreter-2"),
        replace(PLAN, requirements=("numpy",)),
        replace(PLAN, sources="abc"),
        replace(PLAN, agent="agent2"),
        replace(PLAN, spec=replace(spec, name="scientific")),
        replace(PLAN, spec=replace(spec, pip=("six",))),
        replace(PLAN, spec=replace(spec, pip=("six==1",))),
        replace(PLAN, spec=replace(spec, env=(("A", "1"),))),
        replace(PLAN, spec=replace(spec, env=(("A", "2"),))),
    ]
    assert len({plan.tag for plan in (PLAN, *others)}) == len(others) + 1


def test_layers_are_named_by_what_they_are_on_and_what_is_in_them():
    keys = {layer_key(p, k, c) for p in ("a", "b") for k in ("x", "y") for c in ("1", "2")}
    assert len(keys) == 8


def test_added_folders_come_before_what_the_image_has_and_only_if_they_exist():
    assert PLAN.path_file(PROBE) is None
    full = replace(PLAN, requirements=("numpy",), sources="ab", spec=ImageSpec(pip=("six",)))
    path, text = full.path_file(PROBE) or ("", b"")
    assert path == "/usr/lib/site-packages/nbfaas.pth"
    assert text.count(b"\n") == 1, "a .pth file executes single lines only"
    before = list(sys.path)
    try:
        sys.path[:] = ["/stdlib", PROBE.site]
        exec(text)
        assert sys.path == [
            "/stdlib",
            f"{HOME}/source",
            f"{HOME}/added",
            f"{HOME}/site",
            PROBE.site,
        ]
    finally:
        sys.path[:] = before


def test_the_agent_is_shipped_without_the_rest_of_nbfaas():
    files = agent_files()
    assert SCRIPT in files
    assert f"{HOME}/nbfaas/agent/wire.py" in files
    assert f"{HOME}/cloudpickle/__init__.py" in files
    assert f"{HOME}/nbfaas/remote/function.py" not in files
    assert not [path for path in files if not path.endswith(".py")]
    assert len(agent_hash()) == 12
    assert agent_hash() == agent_hash()


def test_inside_an_image_nbfaas_is_what_functions_need(tmp_path):
    for path, data in agent_files().items():
        file = tmp_path / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    code = (
        "import nbfaas\nfrom nbfaas import Context, Event\n"
        "print(nbfaas.__file__, nbfaas.Event('t', id='1'), hasattr(nbfaas, 'remote'))\n"
        "nbfaas.remote"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}{HOME}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == (
        f"{tmp_path}{HOME}/nbfaas/__init__.py <Event t from 'nbfaas' id '1'> False\n"
    )
    assert "nbfaas.remote can't be used inside a sandbox" in done.stderr


def test_the_runtimes_have_what_their_folders_promise():
    found = runtimes()
    assert list(found) == ["python", "scientific"]
    assert found["python"].requirements == ()
    assert set(found["scientific"].requirements) == {
        "numpy", "pandas", "pillow", "scikit-learn", "scipy",
    }  # fmt: skip
    for runtime in found.values():
        assert "ARG BASE" in (runtime.folder / "Dockerfile").read_text()
        compile((runtime.folder / "verify.py").read_text(), "verify.py", "exec")


def test_requirements_lose_their_comments_but_not_their_url_fragments(tmp_path):
    file = tmp_path / "r.txt"
    file.write_text("a @ https://example.org/a#sha256=12\nb # why\n")
    assert read_requirements(file) == ("a @ https://example.org/a#sha256=12", "b")


def test_the_hash_of_sources_follows_content_and_names(tmp_path):
    package = tmp_path / "mine"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1")
    (package / "data.csv").write_text("1,2")
    first = Sources("image", (str(package),)).hash
    (package / "__pycache__" / "a.pyc").write_bytes(b"junk")
    assert Sources("image", (str(package),)).hash == first, "caches are not content"
    (package / "data.csv").write_text("1,3")
    second = Sources("image", (str(package),)).hash
    (package / "data.csv").rename(package / "other.csv")
    assert len({first, second, Sources("image", (str(package),)).hash}) == 3


def test_sources_that_are_gone_are_named():
    with pytest.raises(ImageBuildFailed, match=r"/nowhere/mine\.py"):
        Sources("python", ("/nowhere/mine.py",))


def test_a_layer_belongs_to_root_and_can_be_read_by_everyone(tmp_path):
    secret = tmp_path / "a.py"
    secret.write_text("x = 1")
    secret.chmod(0o600)
    with Layer(tmp_path / "scratch") as layer:
        layer.copy("/opt/a.py", secret)
        layer.python("/opt/b.py", b"y = 2")
        layer.python("/opt/broken.py", b"1 +")
        layer.symlink("/opt/c", "a.py")
        with tarfile.open(fileobj=layer.finish()) as tar:
            members = {member.name: member for member in tar}
    names = ["opt", "opt/__pycache__", "opt/a.py", "opt/b.py", "opt/broken.py", "opt/c"]
    assert sorted(name for name in members if not name.endswith(".pyc")) == names
    assert [name for name in members if name.endswith(".pyc")] == [
        f"opt/__pycache__/b.{sys.implementation.cache_tag}.pyc"
    ]
    assert {(m.uid, m.gid) for m in members.values()} == {(0, 0)}
    assert all(m.mode & 0o044 == 0o044 for m in members.values())
    assert list(Path(tmp_path / "scratch").iterdir()) == []


def test_progress_counts_steps_and_ends_with_done():
    seen: list[BuildProgress] = []
    steps = Steps("python", 2, seen.append)
    steps.begin("base")
    steps.say("pulling")
    steps.begin("agent")
    steps.finish("ready")
    assert [(p.step, p.total, p.done) for p in seen] == [
        (1, 2, False), (1, 2, False), (2, 2, False), (2, 2, True),
    ]  # fmt: skip
    assert str(seen[0]) == "python: [1/2] base"


def test_a_built_image_says_what_it_is():
    image = BuiltImage("nbfaas/python:3.11-1", "sha256:1", "3.11", "/p", "python", 78_000_000, {})
    assert repr(image) == "<BuiltImage python: nbfaas/python:3.11-1, Python 3.11, 74.4 MB>"
