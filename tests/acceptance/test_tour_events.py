"""The second tour notebook: pictures that are dropped into a folder, and all that follows."""

from __future__ import annotations

import base64
import json
import re
import struct

import pytest
from tours import executed

_STARTS_OF_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Tour:
    """The executed notebook: what came out of the first cell that has a text in its source."""

    def __init__(self, notebook) -> None:
        self._cells = [cell for cell in notebook.cells if cell.cell_type == "code"]

    def outputs(self, part: str):
        return next(cell.outputs for cell in self._cells if part in cell.source)

    def text(self, part: str) -> str:
        texts = []
        for output in self.outputs(part):
            if output.output_type == "stream":
                texts.append(output.text)
            else:
                texts.append(f"\n{output.data['text/plain']}\n")
        return "".join(texts)  # what is printed may come in pieces that end anywhere

    def pictures(self, part: str) -> list[tuple[int, int]]:
        """Width and height of each picture that the cell shows."""
        (html,) = [
            output.data["text/html"]
            for output in self.outputs(part)
            if "text/html" in output.get("data", {})
        ]
        return [size_of(base64.b64decode(each)) for each in re.findall(r"base64,([^\"]+)", html)]


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height, as its frame's header says."""
    assert jpeg[:2] == b"\xff\xd8"
    at = 2
    while jpeg[at + 1] not in _STARTS_OF_FRAMES:
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
    return width, height


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    notebook = executed("02-events.ipynb", folder)
    yield Tour(notebook)
    assert not list(folder.glob("nbfaas-tour-*")), "the tour leaves its folder behind"


pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]


def test_events_reach_a_function_from_the_notebook_and_over_http_once_each(tour):
    assert "hello notebook! This is attempt 1, for greet-event" in tour.text("%faas logs greet")
    over_http = tour.text("cloudevents+json")
    assert over_http.count("202") == 2
    assert over_http.count('"duplicate":true') == 1
    assert "hello another program!" in over_http


def test_each_picture_that_is_dropped_becomes_a_thumbnail(tour):
    assert tour.pictures('drop("china")') == [(96, 96)] * 6
    flowers = tour.pictures('drop("flower")')
    assert set(flowers) == {(96, 96)}
    assert len(flowers) > 6


def test_a_rule_picks_the_dark_ones_and_the_chain_goes_on(tour):
    explained = tour.text(".explain(Event(")
    assert "✓ type" in explained
    assert "✗ data.brightness: wanted < 90, found 130" in explained
    compared = re.search(r"(\S+): brightness (\d+), now (\d+)", tour.text("%faas logs compare"))
    assert compared is not None
    assert compared[1].startswith("flower")
    assert int(compared[2]) < 90 < int(compared[3]) + 90


def test_a_schedule_counts_them(tour):
    first = json.loads(tour.text("@on.every(2)").splitlines()[-1])
    assert first["thumbnails"] == len(tour.pictures('drop("flower")')) + 6
    last = json.loads(re.findall(r"\{.*\}", tour.text("shutil.rmtree"))[0])
    sticker = len(tour.pictures('pictures("*sticker*")'))
    assert last["thumbnails"] == first["thumbnails"] + sticker
    assert last["brightened"] == last["thumbnails"] - 13


def test_http_serves_a_thumbnail_to_who_has_the_token(tour):
    assert "without the token: 401" in tour.text("@on.http")
    assert "with it: 200 image/jpeg" in tour.text("@on.http")
    (shown,) = [o for o in tour.outputs("@on.http") if "image/jpeg" in o.get("data", {})]
    assert size_of(base64.b64decode(shown.data["image/jpeg"])) == (96, 96)


def test_what_fails_is_a_dead_letter_and_after_the_fix_it_is_redriven(tour):
    dead = tour.text('"sticker.png").write_bytes')
    assert "trigger 'thumbnail-file' has a dead letter: 3 attempts failed (OSError" in dead
    assert re.search(r"thumbnail-file .* 3 +3 attempts failed", dead)
    assert "cannot write mode RGBA as JPEG" in dead
    assert "1 dead letter will be delivered again" in tour.text("%faas dlq redrive")
    after = tour.text('pictures("*sticker*")')
    assert "no dead letters" in after
    assert "sticker.jpg" in after
    assert tour.pictures('pictures("*sticker*")')[0] == (96, 64)


def test_the_listings_show_every_trigger_and_what_it_did(tour):
    listed = tour.text("%faas triggers")
    for trigger in ("greet-event", "thumbnail-file", "brighten-event", "summarise-every"):
        assert trigger in listed
    assert "FAILING" not in listed.upper()
    counted = tour.text("%faas metrics")
    row = re.search(r"^ *thumbnail-file +(\d+) +0 +\S+ +(\d+) +2 ", counted, re.M)
    assert row is not None
    assert row.groups() == ("13", "13")
    chained = re.search(r"^ *brighten-event +(\d+) +0 +\S+ +(\d+) ", counted, re.M)
    assert chained is not None
    assert chained[1] == chained[2] != "0"
    assert "no triggers" in tour.text("shutil.rmtree")
