"""Which changes of files are due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nbfaas.triggers.file_pattern import Version
from nbfaas.triggers.file_settling import ChangeKind, FileChange, Settling

CREATED, MODIFIED, DELETED = ChangeKind
A, B, C = (Version(inode, 10, 1_000) for inode in (1, 2, 3))
LARGER = replace(A, size=20)


def settling(known: dict[str, Version] | None = None, *wanted: ChangeKind) -> Settling:
    return Settling(known or {}, 1.0, wanted or tuple(ChangeKind))


def look(subject: Settling, files: dict[str, Version], at: float) -> list[FileChange]:
    """A look that takes no time, after which what was due is done."""
    due = subject.look(files, at, at)
    subject.done(due)
    return due


def test_a_new_file_is_due_once_it_has_not_changed_for_a_while():
    subject = settling()
    assert look(subject, {"x": A}, 0.0) == []
    assert subject.due_at == 1.0
    assert look(subject, {"x": LARGER}, 0.9) == []
    assert look(subject, {"x": LARGER}, 1.8) == []
    assert look(subject, {"x": LARGER}, 2.0) == [FileChange(CREATED, "x", LARGER)]
    assert look(subject, {"x": LARGER}, 9.0) == []
    assert subject.due_at is None


def test_the_time_that_looking_takes_counts_for_the_file():
    subject = settling()
    subject.look({"x": A}, 0.0, 5.0)
    assert subject.look({"x": A}, 5.9, 6.0) == []
    assert subject.look({"x": A}, 6.0, 6.1) == [FileChange(CREATED, "x", A)]


def test_what_is_not_done_stays_due():
    subject = settling()
    subject.look({"x": A}, 0.0, 0.0)
    assert subject.look({"x": A}, 1.0, 1.0) == subject.look({"x": A}, 2.0, 2.0) != []


def test_a_file_that_takes_anothers_place_is_modified():
    subject = settling({"x": A})
    look(subject, {"x": B}, 0.0)
    assert look(subject, {"x": B}, 1.0) == [FileChange(MODIFIED, "x", B)]


def test_a_file_that_is_saved_by_deleting_the_old_one_is_modified():
    subject = settling({"x": A})
    assert look(subject, {}, 0.0) == []
    assert look(subject, {"x": B}, 0.5) == []
    assert look(subject, {"x": B}, 1.5) == [FileChange(MODIFIED, "x", B)]


def test_a_renamed_file_is_created_and_deleted():
    subject = settling({"old": A})
    look(subject, {"new": A}, 0.0)
    assert set(look(subject, {"new": A}, 1.0)) == {
        FileChange(CREATED, "new", A),
        FileChange(DELETED, "old", A),
    }


def test_what_comes_and_goes_before_it_is_stable_never_was():
    subject = settling()
    look(subject, {"x": A}, 0.0)
    assert look(subject, {}, 0.5) == []
    assert subject.due_at is None


def test_kinds_that_are_not_wanted_are_noted():
    subject = settling({}, MODIFIED)
    look(subject, {"x": A}, 0.0)
    assert look(subject, {"x": A}, 1.0) == []
    assert subject.known == {"x": A}
    look(subject, {"x": B}, 2.0)
    assert look(subject, {"x": B}, 3.0) == [FileChange(MODIFIED, "x", B)]


def test_the_longest_unchanged_come_first():
    subject = settling()
    subject.look({"b": A}, 0.0, 0.0)
    subject.look({"a": replace(C, mtime_ns=5), "b": A, "c": replace(B, mtime_ns=3)}, 0.5, 0.5)
    due = subject.look({"a": replace(C, mtime_ns=5), "b": A, "c": replace(B, mtime_ns=3)}, 2, 2)
    assert [change.path for change in due] == ["b", "c", "a"]


versions = st.builds(Version, st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
folders = st.dictionaries(st.sampled_from("abcd"), versions)
looks = st.lists(st.tuples(st.floats(0.01, 1.5), folders), max_size=12)


@given(folders, looks, folders)
def test_events_lead_from_what_was_known_to_what_is_there(known, looks, last):
    """Applied one after the other, each event fits, and in the end nothing is left out."""
    subject = settling(known)
    told, now = dict(known), 0.0
    for gap, files in [*looks, (2.0, last), (2.0, last)]:
        now += gap
        for change in look(subject, files, now):
            assert (change.path in told) == (change.kind is not CREATED)
            if change.kind is DELETED:
                assert told.pop(change.path) == change.version
            else:
                assert told.get(change.path) != change.version
                told[change.path] = change.version
        assert told == subject.known
    assert told == last
    assert look(subject, last, now + 2) == []


@given(looks)
def test_only_what_two_looks_apart_by_the_whole_time_saw_is_told(looks):
    subject, now, since = settling(), 0.0, dict[str, tuple[Version, float]]()
    for gap, files in looks:
        now += gap
        since = {
            path: since[path] if path in since and since[path][0] == version else (version, now)
            for path, version in files.items()
        }
        for change in look(subject, files, now):
            if change.kind is not DELETED:
                assert now - since[change.path][1] >= 1.0
