"""Which files a pattern means."""

from __future__ import annotations

import contextlib
import glob
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rights import opening_files_as_nobody

from nbfaas.errors.delivery import BadTrigger
from nbfaas.errors.sources import PathUnreadable
from nbfaas.triggers.file_pattern import FilePattern, scan


def found(pattern: str | Path) -> list[str]:
    return sorted(scan(FilePattern.parse(pattern), threading.Event()).files)


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_a_pattern_is_relative_to_the_current_folder_when_it_is_declared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pattern = FilePattern.parse("a/../inbox/./*.csv")
    monkeypatch.chdir("/")
    assert (pattern.folder, pattern.parts) == (f"{tmp_path}/inbox", ("*.csv",))


@pytest.mark.parametrize(
    ("pattern", "folder", "parts"),
    [
        ("/in/*.csv", "/in", ("*.csv",)),
        ("/in/one.csv", "/in", ("one.csv",)),
        ("/in//2026-*/a?/**/[xy].csv", "/in", ("2026-*", "a?", "**", "[xy].csv")),
        ("/in/**", "/in", ("**", "*")),
        ("~/in/*", os.path.expanduser("~/in"), ("*",)),
        (Path("/in/*.csv"), "/in", ("*.csv",)),
    ],
)
def test_the_folder_is_what_is_in_front_of_the_first_wildcard(pattern, folder, parts):
    parsed = FilePattern.parse(pattern)
    assert (parsed.folder, parsed.parts) == (folder, parts)


@pytest.mark.parametrize(
    "pattern", ["", "in/", ".", "/", "*/../x", "in/..", "a\0b", b"in/*", None, 3]
)
def test_a_pattern_that_means_no_files_is_refused(pattern):
    with pytest.raises(BadTrigger, match=r"on\.file: pattern=.*'inbox/\*\.csv'"):
        FilePattern.parse(pattern)


@pytest.mark.parametrize("pattern", ["/*", "/*.csv", "/**/*.csv", "/in/../*", "/./**"])
def test_a_pattern_that_means_the_whole_disk_is_refused(pattern):
    with pytest.raises(BadTrigger, match="the whole disk"):
        FilePattern.parse(pattern)


def test_files_are_found_at_the_depth_that_the_pattern_says(tmp_path):
    make(tmp_path, "a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv", "sub/deep/e.csv.part")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    assert found(tmp_path / "*.csv") == ["a.csv"]
    assert found(tmp_path / "*/*.csv") == ["sub/c.csv"]
    assert found(tmp_path / "**/*.csv") == ["a.csv", "sub/c.csv", "sub/deep/d.csv"]
    assert found(tmp_path / "**/deep/*.csv") == ["sub/deep/d.csv"]
    assert found(tmp_path / "s*/**/*.csv") == ["sub/c.csv", "sub/deep/d.csv"]
    assert found(tmp_path / "**/**/[cd].csv") == ["sub/c.csv", "sub/deep/d.csv"]
    assert found(tmp_path / "a.csv") == ["a.csv"]
    assert found(tmp_path / "none/*.csv") == []


def test_hidden_files_are_meant_only_by_name(tmp_path):
    make(tmp_path, ".a.csv", ".git/b.csv", "c.csv")
    assert found(tmp_path / "*.csv") == ["c.csv"]
    assert found(tmp_path / "**") == ["c.csv"]
    assert found(tmp_path / ".*.csv") == [".a.csv"]
    assert found(tmp_path / ".git/*") == ["b.csv"]


def test_links_to_files_are_followed_and_circles_are_not(tmp_path):
    make(tmp_path, "real/a.csv", "elsewhere.csv")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (inbox / "broken.csv").symlink_to("nowhere")
    (inbox / "self.csv").symlink_to("self.csv")
    (inbox / "circle").symlink_to(inbox)
    (inbox / "folder").symlink_to(tmp_path / "real")
    assert found(inbox / "**/*.csv") == ["link.csv"]
    assert found(inbox / "*/*.csv") == ["circle/link.csv", "folder/a.csv"]
    version = scan(FilePattern.parse(inbox / "*.csv"), threading.Event()).files["link.csv"]
    assert version.inode == (tmp_path / "elsewhere.csv").stat().st_ino


def test_names_that_are_no_utf_8_are_left_out_and_counted(tmp_path):
    make(tmp_path, "grün.csv")
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfcn.csv"))).write_text("x")
    seen = scan(FilePattern.parse(tmp_path / "*.csv"), threading.Event())
    assert (list(seen.files), seen.unnamed) == (["grün.csv"], 1)


names = st.sampled_from(["a", "b", "ab", ".h", "a.c", "[x]"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
pattern_parts = st.sampled_from(["a", "*", "**", "a*", "?", "[ab]", "*.c", ".*", "[!a]*"])


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80
)
@given(st.sets(paths, max_size=12), st.lists(pattern_parts, min_size=1, max_size=4))
def test_it_finds_what_the_shell_would(tmp_path_factory, files, parts):
    folder = tmp_path_factory.mktemp("tree")
    for name in files:
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            make(folder, name)
    text = "/".join(parts)
    names = glob.glob(text, root_dir=folder, recursive=True)
    # It takes a file that is followed by ** for a folder: "a/".
    shell = {p for p in names if not p.endswith("/") and (folder / p).is_file()}
    beneath = Path(FilePattern.parse(folder / text).folder).relative_to(folder)
    assert [str(beneath / name) for name in found(folder / text)] == sorted(shell)


def test_a_folder_that_cannot_be_read_is_an_error_and_not_empty(tmp_path):
    make(tmp_path, "inbox/a.csv", "inbox/closed/b.csv")
    (tmp_path / "inbox/closed").chmod(0)
    with opening_files_as_nobody(tmp_path / "inbox"):
        assert found(tmp_path / "inbox/*.csv") == ["a.csv"]
        with pytest.raises(PathUnreadable, match="inbox/closed can't be read: Permission denied"):
            found(tmp_path / "inbox/**/*.csv")
        with pytest.raises(PathUnreadable, match="Make it readable"):
            found(tmp_path / "inbox/closed/sub/*.csv")
    (tmp_path / "inbox/closed").chmod(0o755)
