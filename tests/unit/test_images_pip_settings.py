"""The user's pip settings reach uv."""

from __future__ import annotations

import os
import platform

import pytest

from nbfaas.images.packages import Packages, Resolution, normalised
from nbfaas.images.pip_settings import config_files, pip_settings, uv_environment
from nbfaas.images.probe import Probe


def test_settings_come_from_files_and_variables_win(tmp_path):
    weak, strong = tmp_path / "a.conf", tmp_path / "b.conf"
    weak.write_text("[global]\nindex-url = https://a.example/simple\ntimeout = 3\ncert = /x\n")
    strong.write_text("[install]\nindex_url = https://b.example/simple\n")
    files = [weak, strong, tmp_path / "missing.conf"]
    assert pip_settings({}, files) == {"index-url": "https://b.example/simple", "cert": "/x"}
    environ = {"PIP_INDEX_URL": "https://c.example/simple"}
    assert pip_settings(environ, files)["index-url"] == "https://c.example/simple"


def test_a_damaged_file_is_passed_over(tmp_path):
    file = tmp_path / "pip.conf"
    file.write_text("not an ini file")
    assert pip_settings({}, [file]) == {}


def test_pips_files_are_looked_for_where_pip_does(tmp_path):
    names = [str(path) for path in config_files({"HOME": "/h", "PIP_CONFIG_FILE": "/my.conf"})]
    assert "/etc/pip.conf" in names
    assert "/h/.config/pip/pip.conf" in names
    assert names[-1] == "/my.conf"
    assert config_files({"PIP_CONFIG_FILE": os.devnull}) == []


def test_everything_is_said_in_uvs_words(tmp_path):
    cert = tmp_path / "ca.pem"
    cert.write_text("")
    links = tmp_path / "wheels"
    links.mkdir()
    settings = {
        "index-url": "https://a.example/simple",
        "extra-index-url": "https://b.example/simple\nhttps://c.example/simple",
        "find-links": str(links),
        "trusted-host": "a.example",
        "cert": str(cert),
        "no-index": "true",
        "proxy": "http://proxy.example:3128",
    }
    assert uv_environment(settings, {}) == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://b.example/simple https://c.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(links),
        "UV_INSECURE_HOST": "a.example",
        "SSL_CERT_FILE": str(cert),
        "UV_NO_INDEX": "1",
        "ALL_PROXY": "http://proxy.example:3128",
    }


def test_places_that_do_not_exist_are_left_out(tmp_path):
    settings = {
        "extra-index-url": f"file:///nowhere/simple {tmp_path.as_uri()} https://b.example/simple",
        "find-links": "/nowhere/wheels file:///nowhere/wheels",
        "cert": "/nowhere.pem",
    }
    assert uv_environment(settings, {}) == {
        "UV_INDEX": f"{tmp_path.as_uri()} https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_the_user_has_set_for_uv_wins():
    settings = {"index-url": "https://a.example/simple"}
    assert uv_environment(settings, {"UV_DEFAULT_INDEX": "https://mine.example/simple"}) == {}


def test_a_resolution_knows_versions_by_normalised_name():
    lines = ("scikit_learn==1.5.0", "b[x]==2", "c @ https://example.org/c.whl")
    resolution = Resolution(lines)
    assert resolution.packages == {
        "scikit-learn": "1.5.0",
        "b": "2",
        "c": "https://example.org/c.whl",
    }
    assert resolution.hash != Resolution(lines[:2]).hash
    assert str(resolution) == "3 packages"
    assert normalised("Ruamel.Yaml__x") == "ruamel-yaml-x"


@pytest.mark.parametrize(
    ("machine", "glibc", "wanted"),
    [
        (platform.machine(), "2.999", ()),
        ("aarch64" if platform.machine() == "x86_64" else "x86_64", "2.36", "manylinux_2_36"),
        (platform.machine(), "2.18", "manylinux_2_17"),
        (platform.machine(), None, "unknown-linux-musl"),
    ],
)
def test_wheels_are_chosen_for_the_images_platform_not_the_hosts(tmp_path, machine, glibc, wanted):
    target = Probe("3.11", "/p", "/s", machine, glibc)
    text = repr(Packages("image", tmp_path, target))
    assert text.endswith(f"--python-platform {machine}-{wanted}>" if wanted else "as this machine>")
