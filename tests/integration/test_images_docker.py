"""Images at a real Docker Engine: what is built runs, confined as sandboxes are."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from nbfaas.errors import ImageBuildFailed, ImageError, ImageNotFound, OptionError, PythonMismatch
from nbfaas.images import Image, interpreter
from nbfaas.images.base import HOST_PYTHON
from nbfaas.images.builder import Images
from nbfaas.images.built import BuiltImage
from nbfaas.images.engine import Engine
from nbfaas.images.layer import Layer
from nbfaas.images.progress import BuildProgress
from nbfaas.images.runtimes import runtimes
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
CONFINED = ["--rm", "--network=none", "--read-only", "--user=65534", "--cap-drop=ALL"]


class Bench:
    """``Images`` with its own data folder; custom images made through it are removed at the end."""

    def __init__(self, client: docker.DockerClient, folder: Path) -> None:
        self.client = client
        self.settings = Settings(data_dir=str(folder))
        self.progress: list[BuildProgress] = []
        self.images = Images(client, self.settings, self.progress.append)
        self.made: set[str] = set()

    def ensure(self, image: Image) -> BuiltImage:
        self.progress.clear()
        built = self.images.ensure(image.spec)
        if built.reference.startswith("nbfaas/custom"):
            self.made.add(built.reference)
        return built


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    client = docker.from_env()
    bench = Bench(client, tmp_path_factory.mktemp("data"))
    yield bench
    for reference in bench.made:
        client.images.remove(reference, force=True)
    client.close()


def run(image: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    return subprocess.run(
        [
            "docker",
            "run",
            *CONFINED,
            "--tmpfs=/tmp",
            *options,
            "--entrypoint",
            command[0],
            image,
            *command[1:],
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )


def python(image: str, code: str) -> str:
    done = run(image, "python3", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def local_image(bench: Bench, changes: list[str]) -> Iterator[str]:
    """An image with one empty file in it, for the time of a ``with`` block."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    repository, tag = "nbfaas-test", uuid.uuid4().hex
    bench.client.api.import_image_from_data(file.getvalue(), repository, tag, changes)
    try:
        yield f"{repository}:{tag}"
    finally:
        bench.client.api.remove_image(f"{repository}:{tag}", force=True)


def unique() -> Image:
    """An image that nobody has built before, quick to build."""
    return Image.python().env({"UNIQUE": uuid.uuid4().hex})


def test_an_image_made_from_this_interpreter_runs_confined_and_offline(bench, tmp_path):
    engine = Engine(bench.client, {})
    with Layer(tmp_path) as layer:
        began = time.monotonic()
        interpreter.fill(layer)
        made = engine.build("test", None, layer, env=interpreter.ENVIRONMENT)
        took = time.monotonic() - began
    try:
        code = (
            "import ssl, sqlite3, ctypes, lzma, bz2, zlib, uuid, decimal, multiprocessing, sys;"
            "import zoneinfo, subprocess, os, pwd, hashlib, readline, asyncio, json;"
            "zoneinfo.ZoneInfo('Asia/Tokyo'); json.dumps({});"
            "assert ssl.create_default_context().cert_store_stats()['x509_ca'];"
            "assert pwd.getpwuid(os.getuid()).pw_name == 'nobody';"
            "assert subprocess.run('echo $((6 * 7)); ls / > /dev/null', shell=True, check=True,"
            " capture_output=True).stdout == b'42\\n';"
            "print('%d.%d' % sys.version_info[:2], sys.prefix)"
        )
        assert python(made, code) == f"{HOST_PYTHON} /usr/local"
        assert "No module named" in run(made, "python3", "-c", "import tkinter").stderr
        assert bench.client.images.get(made).attrs["Size"] < 120_000_000
        assert took < 20
    finally:
        bench.client.images.remove(made)


@pytest.mark.parametrize("name", list(runtimes()))
def test_a_runtime_passes_its_own_verification_without_a_network(bench, name):
    built = bench.ensure(Image.runtime(name))
    assert built.python == HOST_PYTHON
    assert built.interpreter.startswith("/")
    folder = runtimes()[name].folder
    done = run(
        built.reference, built.interpreter, "/v/verify.py", options=("-v", f"{folder}:/v:ro")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the runtime {name} works" in done.stdout


@pytest.mark.parametrize("name", list(runtimes()))
def test_a_runtime_says_in_its_labels_what_it_is(bench, name):
    built = bench.ensure(Image.runtime(name))
    config = bench.client.images.get(built.reference).attrs["Config"]
    assert config["Labels"]["org.opencontainers.image.title"] == f"nbfaas {name}"
    assert config["Labels"]["io.nbfaas.runtime"] == name
    assert config["Labels"]["io.nbfaas.python"] == HOST_PYTHON
    assert len(config["Labels"]["io.nbfaas.agent"]) == 12
    assert ("numpy" in built.packages) == (name == "scientific")
    assert config["Entrypoint"] == [built.interpreter, "/opt/nbfaas/nbfaas_agent.py"]


def test_the_agent_starts_from_bytecode_and_needs_no_other_part_of_nbfaas(bench):
    built = bench.ensure(Image.python())
    code = (
        "import sys; sys.path.insert(0, '/opt/nbfaas');"
        "import nbfaas.agent.wire as w, cloudpickle, nbfaas, importlib.util as u;"
        "assert u.find_spec('nbfaas.errors') is None;"
        "data = open(w.__cached__, 'rb').read(8);"
        "print(int.from_bytes(data[4:], 'little'), nbfaas.__file__, cloudpickle.__file__)"
    )
    # 1: found by hash, and not checked against the source
    assert python(built.reference, code).split() == [
        "1",
        "/opt/nbfaas/nbfaas/__init__.py",  # what handlers may import: Event, Context
        "/opt/nbfaas/cloudpickle/__init__.py",
    ]


def test_the_second_time_nothing_is_built(bench):
    image = unique()
    first = bench.ensure(image)
    assert bench.progress[-1].done
    assert bench.progress[0].step == 1
    began = time.monotonic()
    assert bench.ensure(image) == first
    assert time.monotonic() - began < 1
    assert bench.progress == []


def test_threads_that_want_one_image_build_it_once(bench):
    image, built, errors = unique(), [], []

    def want() -> None:
        try:
            built.append(bench.images.ensure(image.spec))
        except Exception as error:
            errors.append(error)

    bench.progress.clear()
    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.made |= {image.reference for image in built}
    assert errors == []
    assert len(set(built)) == 1
    assert len([p for p in bench.progress if p.done]) == 1


def test_processes_that_want_one_image_build_it_once(bench):
    image = unique()
    code = (
        "import docker, warnings\n"
        "from nbfaas.images import Image\nfrom nbfaas.images.builder import Images\n"
        "from nbfaas.settings import Settings\n"
        f"settings = Settings(data_dir={bench.settings.data_dir!r})\n"
        f"images = Images(docker.from_env(), settings, print)\nimages.ensure({image!r}.spec)\n"
    )
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    bench.ensure(image)
    assert bench.progress == [], "it was there already"
    assert [process.returncode for process in started] == [0, 0, 0]
    assert "".join(said).count("is ready") == 1


def test_an_installed_package_can_be_imported_offline(bench):
    built = bench.ensure(Image.python().pip_install("six"))
    assert built.packages.keys() == {"six"}
    code = "import six, sys, subprocess; print(six.__file__, six.__cached__);"
    code += "subprocess.run([sys.executable, '-c', 'import six'], check=True)"
    file, cached = python(built.reference, code).split()
    assert file == "/opt/nbfaas/added/six.py"
    assert run(built.reference, "test", "-f", cached).returncode == 0


def test_what_a_runtime_has_is_not_installed_again(bench):
    built = bench.ensure(Image.scientific().pip_install("numpy", "six"))
    assert "scikit-learn" in built.packages
    where = python(built.reference, "import numpy, six; print(numpy.__file__, six.__file__)")
    assert where == "/opt/nbfaas/site/numpy/__init__.py /opt/nbfaas/added/six.py"


def test_an_unknown_package_is_named_with_the_resolvers_words(bench):
    with pytest.raises(ImageBuildFailed, match="no-such-package-nbfaas-7") as caught:
        bench.ensure(Image.python().pip_install("no-such-package-nbfaas-7"))
    assert "not found" in caught.value.log


def test_versions_that_contradict_each_other_are_explained(bench):
    with pytest.raises(ImageBuildFailed, match="unsatisfiable"):
        bench.ensure(Image.python().pip_install("six<1.16", "six>=1.16"))


def test_local_sources_are_importable_with_their_data_and_follow_changes(bench, tmp_path):
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from pathlib import Path\nvalue = Path(__file__).with_name('data.txt').read_text()\n"
    )
    (package / "data.txt").write_text("one")
    (tmp_path / "my_module.py").write_text("def f():\n    return 'f'\n")
    image = Image.python().add_local_python_source(str(package), str(tmp_path / "my_module.py"))
    code = "import my_package, my_module; print(my_package.value, my_module.f())"
    first = bench.ensure(image)
    assert python(first.reference, code) == "one f"
    (package / "data.txt").write_text("two")
    second = bench.ensure(image)
    assert second.reference != first.reference
    assert python(second.reference, code) == "two f"


def test_environment_variables_arrive_as_they_were_given(bench):
    value = "a \"quoted\" $HOME \\ 'x'\nsecond line äß"
    built = bench.ensure(Image.python().env({"ODD": value}))
    assert python(built.reference, "import os; print(ascii(os.environ['ODD']))") == ascii(value)


def test_any_image_with_this_python_can_be_a_runtime(bench):
    base = bench.ensure(Image.python())
    built = bench.ensure(Image.from_reference(base.reference).pip_install("six"))
    assert built.reference.startswith("nbfaas/custom:")
    assert built.runtime == f"{base.reference} + six"
    python(built.reference, "import six")


def test_the_users_base_image_is_what_runtimes_are_built_on(bench, tmp_path):
    base = bench.ensure(unique())
    settings = Settings(data_dir=str(tmp_path), base_image=base.reference)
    built = Images(bench.client, settings).ensure(ImageSpec())
    try:
        assert python(built.reference, "import os; print(len(os.environ['UNIQUE']))") == "32"
    finally:
        bench.client.images.remove(built.reference)


def test_an_image_that_is_nowhere_is_not_found_quickly(bench):
    began = time.monotonic()
    with pytest.raises(ImageNotFound, match="Runtimes: python, scientific"):
        bench.ensure(Image.from_reference("localhost:1/no-such-image:1"))
    assert time.monotonic() - began < 10
    with pytest.raises(ImageNotFound):
        bench.images.ensure(ImageSpec("runtime", "no-such-runtime"))


def test_an_image_with_another_python_is_refused_before_anything_runs(bench):
    with (
        local_image(bench, ["ENV PYTHON_VERSION=3.8.20"]) as reference,
        pytest.raises(PythonMismatch, match=r"has Python 3\.8"),
    ):
        bench.ensure(Image.from_reference(reference))


def test_an_image_without_a_python_is_refused(bench):
    with (
        local_image(bench, []) as reference,
        pytest.raises(ImageBuildFailed, match="looking for a Python"),
    ):
        bench.ensure(Image.from_reference(reference))


def test_images_are_listed_and_removed_with_the_layers_only_they_need(bench, tmp_path):
    (tmp_path / "only_here.py").write_text(f"x = {uuid.uuid4().hex!r}")
    source = str(tmp_path / "only_here.py")
    built = bench.ensure(Image.python().pip_install("six").add_local_python_source(source))
    parent = bench.client.images.get(built.reference).attrs["Parent"]
    [line] = [info for info in bench.images.list() if info.reference == built.reference]
    assert line.runtime == "python + six + only_here.py"
    assert (line.packages, line.current) == (1, True)
    assert time.time() - line.created < 600
    assert bench.images.remove(built.reference) == (built.reference,)
    bench.made.discard(built.reference)
    assert built.reference not in {info.reference for info in bench.images.list()}
    with pytest.raises(docker.errors.ImageNotFound):
        bench.client.images.get(parent)
    with pytest.raises(ImageNotFound):
        bench.images.remove(built.reference)


def test_an_image_in_use_is_not_removed(bench):
    built = bench.ensure(unique())
    container = bench.client.containers.create(built.reference)
    try:
        with pytest.raises(ImageError, match="container"):
            bench.images.remove(built.reference)
    finally:
        container.remove()


def test_no_container_is_left_by_builds_whatever_their_end(bench, tmp_path):
    mark = uuid.uuid4().hex
    images = Images(bench.client, bench.settings, None, {"nbfaas.test": mark})
    bench.made.add(images.ensure(unique().spec).reference)
    with local_image(bench, []) as reference, pytest.raises(ImageBuildFailed):
        images.ensure(ImageSpec("reference", reference))
    left = bench.client.containers.list(all=True, filters={"label": f"nbfaas.test={mark}"})
    assert left == []
    assert not list(Path(bench.settings.data_dir, "images").glob("install-*"))


def test_a_list_of_options_that_is_no_image_never_reaches_docker(bench):
    with pytest.raises(OptionError):
        bench.ensure(Image.from_reference("--privileged"))
