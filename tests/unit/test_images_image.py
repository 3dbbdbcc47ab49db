"""``Image``: what a user may say about an image, and what it becomes as data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbfaas.errors import ImageNotFound, OptionError
from nbfaas.images import Image, to_spec
from nbfaas.model.image import ImageSpec


def test_each_method_returns_another_image_and_leaves_the_first_alone():
    first = Image.python()
    second = first.pip_install("pandas")
    assert first.spec == ImageSpec()
    assert second.spec == ImageSpec(pip=("pandas",))
    assert first != second


def test_equal_images_are_equal_and_hash_equal():
    one = Image.python().pip_install("a", "b").env({"X": "1", "A": "2"})
    other = Image.python().pip_install("a").pip_install("b", "a").env({"A": "2"}).env({"X": "1"})
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Image.python()",
        "Image.scientific().pip_install('polars>=1', 'x[extra]==2')",
        "Image.from_reference('python:3.11-slim').env({'A': 'b'})",
    ],
)
def test_the_repr_is_the_expression_that_makes_the_image(text):
    image = eval(text, {"Image": Image})
    assert repr(image) == text
    assert eval(repr(image), {"Image": Image}) == image


def test_an_unknown_runtime_is_refused_with_the_known_ones():
    with pytest.raises(ImageNotFound, match=r"mean 'python'.*Runtimes: python, scientific"):
        Image.runtime("pyton")


@pytest.mark.parametrize(
    "package",
    ["", "two words", "-r other.txt", "--index-url=x", "./here", "/abs", 7, "a\nb", "a=1 b"],
)
def test_what_is_no_requirement_is_refused_where_it_is_written(package):
    with pytest.raises(OptionError, match="one package per string"):
        Image.python().pip_install(package)


@pytest.mark.parametrize(
    "package",
    ["six", "Pillow", "zope.interface", "a==1.0", "a>=1,<2", "a[b,c]>=1", "a ; python_version>'3'",
     "a @ https://example.org/a.whl", "a~=1.4", "a!=2"],
)  # fmt: skip
def test_requirements_are_written_as_for_pip(package):
    assert Image.python().pip_install(package).spec.pip == (package,)


def test_a_requirements_file_is_read_at_once_without_its_comments(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# ours\nsix==1.16  # old\n\n  rich\n")
    assert Image.python().pip_install_from_requirements(file).spec.pip == ("six==1.16", "rich")


def test_a_missing_requirements_file_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"nothing\.txt"):
        Image.python().pip_install_from_requirements(tmp_path / "nothing.txt")


@pytest.mark.parametrize(
    "reference",
    ["python", "python:3.11-slim", "my/image", "localhost:5000/a/b:tag", "ghcr.example/a/b",
     "a@sha256:" + "0" * 64, "sha256:" + "0" * 64],
)  # fmt: skip
def test_docker_references_are_accepted(reference):
    assert to_spec(reference) in (
        ImageSpec("reference", reference),
        ImageSpec("runtime", reference),
    )


@pytest.mark.parametrize(
    "reference",
    ["", "UPPER", "a b", "a:", ":tag", "a//b", "-a", "a:b:c", "a@sha256:12", "--privileged", "a\n"],
)
def test_what_can_be_no_docker_reference_is_refused(reference):
    with pytest.raises(OptionError, match="a Docker reference looks like"):
        to_spec(reference)


def test_to_spec_takes_everything_that_image_may_be():
    image = Image.scientific().pip_install("six")
    assert to_spec(None) == ImageSpec()
    assert to_spec("scientific") == Image.scientific().spec
    assert to_spec("python:3.11") == Image.from_reference("python:3.11").spec
    assert to_spec(image) == image.spec
    assert to_spec(image.spec) is image.spec
    with pytest.raises(OptionError):
        to_spec(3)  # type: ignore[arg-type]


def test_a_local_module_is_found_by_name_or_by_path(tmp_path, monkeypatch):
    (tmp_path / "single_one.py").write_text("x = 1")
    (tmp_path / "package_one").mkdir()
    (tmp_path / "package_one" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    by_name = Image.python().add_local_python_source("single_one", "package_one")
    assert by_name.spec.python_sources == (
        str(tmp_path / "single_one.py"),
        str(tmp_path / "package_one"),
    )
    monkeypatch.chdir(tmp_path)
    assert Image.python().add_local_python_source("./single_one.py", "./package_one") == by_name
    assert "single_one" not in sys.modules


@pytest.mark.parametrize("source", ["no_such_module_here", "sys", "./none.py", "json.decoder", 3])
def test_what_is_no_local_module_is_refused(source):
    with pytest.raises(OptionError, match="add_local_python_source"):
        Image.python().add_local_python_source(source)


@pytest.mark.parametrize("variables", [{"A B": "x"}, {"": "x"}, {"A": 1}, {"A": "x\0y"}, {1: "x"}])
def test_impossible_environment_variables_are_refused(variables):
    with pytest.raises(OptionError, match="env"):
        Image.python().env(variables)


def test_importing_image_loads_neither_docker_nor_uv(tmp_path):
    import subprocess

    code = (
        "import sys; import nbfaas.images; print({'docker', 'uv', 'requests'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=_ROOT)
    assert run.stdout.strip() == "set()", run.stderr


_ROOT = Path(__file__).parents[2]
