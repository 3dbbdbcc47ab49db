"""Options are checked where they are written, and a wrong one says what would be right."""

import os
from pathlib import Path

import pytest

import nbfaas
from nbfaas.errors import OptionError
from nbfaas.model.function import MB, NO_RETRIES, FunctionOptions, Isolation, Retries, Volume
from nbfaas.remote.options import parse_options, parse_size


def parse(**given) -> FunctionOptions:
    return parse_options(FunctionOptions(), given)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1000, 1000),
        ("1000", 1000),
        ("64KB", 64 * 1024),
        ("512MB", 512 * MB),
        ("512 mib", 512 * MB),
        (" 1.5G ", 1536 * MB),
        ("2TB", 2 * 1024 * 1024 * MB),
    ],
)
def test_sizes_are_bytes_or_text_with_a_unit(text, size):
    assert parse_size("memory", text) == size


def test_each_option_ends_up_in_its_place():
    options = parse(
        image="python:3.11-slim",
        cpu=2,
        memory="1GB",
        scratch="10MB",
        timeout=5,
        retries=3,
        max_containers=4,
        env={"B": "2", "A": "1"},
        volumes={"/data": "models:ro"},
        network=True,
        isolation="call",
        trust="sklearn",
    )
    assert (options.image.kind, options.image.name) == ("reference", "python:3.11-slim")
    assert options.resources.cpu == 2.0
    assert options.resources.memory == 1024 * MB
    assert options.resources.scratch == 10 * MB
    assert options.timeout == 5.0
    assert options.retries == Retries(max_retries=3)
    assert options.max_containers == 4
    assert options.env == (("A", "1"), ("B", "2"))
    assert options.volumes == (Volume("/data", "models", read_only=True),)
    assert options.network is True
    assert options.isolation is Isolation.CALL
    assert options.trust == ("sklearn",)


def test_options_not_given_stay_as_they_were():
    base = parse(memory="1GB", env={"A": "1"})
    changed = parse_options(base, {"cpu": 0.5})
    assert changed.resources.memory == 1024 * MB
    assert changed.env == (("A", "1"),)
    assert base.resources.cpu == 1.0


def test_none_means_no_limit_and_no_retries():
    options = parse_options(
        parse(timeout=5, max_containers=3, retries=2),
        {"timeout": None, "max_containers": None, "retries": None},
    )
    assert (options.timeout, options.max_containers) == (None, None)
    assert options.retries == NO_RETRIES


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("memory", "lots", "512MB"),
        ("memory", "1MB", "at least 16 MB"),
        ("memory", -5, "at least 16 MB"),
        ("memory", 512, 'is bytes: write "512MB"'),
        ("memory", "512", 'is bytes: write "512MB"'),
        ("scratch", 64, 'is bytes: write "64MB"'),
        ("memory", True, "512MB"),
        ("memory", 1.5, "512MB"),
        ("scratch", 0, "at least 1 MB"),
        ("scratch", "-1MB", "512MB"),
        ("cpu", 0, "at least 0.01"),
        ("cpu", -1, "at least 0.01"),
        ("cpu", "two", "number of cores"),
        ("cpu", float("inf"), "number of cores"),
        ("cpu", float("nan"), "number of cores"),
        ("timeout", -1, "more than 0"),
        ("timeout", 0, "more than 0"),
        ("timeout", "1m", "seconds"),
        ("retries", -1, "number of retries"),
        ("retries", "3", "Retries"),
        ("retries", True, "number of retries"),
        ("retries", Retries(max_retries=-1), "can't be negative"),
        ("retries", Retries(backoff_coefficient=0.5), "at least 1"),
        ("retries", Retries(retry_on=(3,)), "exception classes"),
        ("max_containers", 0, "at least 1"),
        ("max_containers", 1.5, "at least 1"),
        ("env", ["A=1"], "a dict"),
        ("env", {"A B": "1"}, "no name of an environment variable"),
        ("env", {"A": 1}, "must be a str"),
        ("env", {"A": "\0"}, "must be a str"),
        ("volumes", "/data", "a dict"),
        ("network", "yes", "True or False"),
        ("isolation", "x", '"call"'),
        ("trust", 3, "names of modules"),
        ("trust", [""], "names of modules"),
        ("image", 3, "image"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_what_would(option, value, hint):
    with pytest.raises(OptionError) as caught:
        parse(**{option: value})
    assert str(caught.value).startswith(f"{option}={value!r} is not valid")
    assert hint in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_misspelt_option_is_told_its_nearest_name():
    with pytest.raises(OptionError, match=r"did you mean 'memory'\?"):
        parse(memori="1GB")
    with pytest.raises(OptionError, match=r"options are image, cpu, memory"):
        parse(xyzzy=1)


def test_misspelt_options_are_refused_by_the_decorator_and_by_with_options():
    with pytest.raises(OptionError, match="time_out"):
        nbfaas.remote(time_out=3)

    @nbfaas.remote
    def function(): ...

    with pytest.raises(OptionError, match="cpu=0"):
        function.with_options(cpu=0)


# -- volumes


@pytest.mark.parametrize(
    ("source", "volume"),
    [
        ("models", Volume("/data", "models")),
        ("models:ro", Volume("/data", "models", read_only=True)),
        ("models:rw", Volume("/data", "models")),
        ("/srv/models", Volume("/data", "/srv/models")),
        ("/srv/models:ro", Volume("/data", "/srv/models", read_only=True)),
        ("./models", Volume("/data", os.path.abspath("models"))),
        (".", Volume("/data", os.getcwd())),
        ("~/models", Volume("/data", os.path.expanduser("~/models"))),
        (Path("models"), Volume("/data", os.path.abspath("models"))),
        (Volume("/other", "models", True), Volume("/data", "models", True)),
    ],
)
def test_a_volume_is_a_folder_if_it_looks_like_one_and_else_a_name(source, volume):
    assert parse(volumes={"/data/": source}).volumes == (volume,)


@pytest.mark.parametrize(
    ("target", "source", "hint"),
    [
        ("data", "models", "absolute path"),
        ("/", "models", "absolute path"),
        (3, "models", "absolute path"),
        ("/tmp", "models", "the sandbox's own"),
        ("/proc/", "models", "the sandbox's own"),
        ("/data", "", "a volume's name"),
        ("/data", "my models", "a volume's name"),
        ("/data", 3, "folder"),
    ],
)
def test_a_volume_that_makes_no_sense_is_refused(target, source, hint):
    with pytest.raises(OptionError, match=hint):
        parse(volumes={target: source})


def test_equal_options_have_one_fingerprint_in_whatever_order_they_are_given():
    first = parse(env={"A": "1", "B": "2"}, trust=["b", "a"], volumes={"/b": "b", "/a": "a"})
    second = parse(volumes={"/a": "a", "/b": "b"}, trust=["a", "b"], env={"B": "2", "A": "1"})
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != parse().fingerprint()


def test_retries_on_one_exception_class_need_no_tuple():
    assert parse(retries=Retries(2, retry_on=OSError)).retries.retry_on == (OSError,)
    with pytest.raises(OptionError, match="one exception class or a tuple"):
        parse(retries=Retries(2, retry_on=int))


def test_a_class_is_no_function():
    with pytest.raises(OptionError, match="decorate a function, or a method of the class"):

        @nbfaas.remote
        class Model:
            pass
