"""The fourth tour notebook: versions, a canary, a server, an export and its tests."""

from __future__ import annotations

import os
import re
import subprocess

import docker
import pytest
from function_images import images_of, remove_images
from tours import executed

NAME = "tour-discount"
pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]


@pytest.fixture(scope="module", params=["docker", "process"])
def tour(request, tmp_path_factory):
    """The backend, and the executed notebook."""
    folder = tmp_path_factory.mktemp("tour")
    client = docker.from_env()
    try:
        notebook = executed("04-deploy.ipynb", folder, request.param)
        left = images_of(client, NAME)
    finally:
        remove_images(client, NAME)
        client.close()
    yield request.param, notebook
    assert not list(folder.glob("nbfaas-tour-*")), "the tour leaves its folder behind"
    assert not left, "the tour leaves images behind"
    assert str(folder) not in _processes(), "the tour leaves its server behind"


def text(tour, part: str) -> str:
    """All that came out of the first code cell with ``part`` in it."""
    cells = [c for c in tour[1].cells if c.cell_type == "code"]
    outputs = next(cell.outputs for cell in cells if part in cell.source)
    # What is printed may come in several pieces, which end anywhere in a line.
    return "".join(
        output.text if output.output_type == "stream" else f"\n{output.data['text/plain']}\n"
        for output in outputs
    )


def test_where_functions_run_is_told(tour):
    told = text(tour, "%load_ext")
    assert ("NOT in containers" in told) == (tour[0] == "process")


def test_a_change_makes_a_version_and_the_alias_stays(tour):
    assert "v1 (deployed)" in text(tour, "%faas deploy")
    assert "tour-discount v2: deployed" in text(tour, "discount.deploy(")
    assert '+    return {"pay": total * 80 // 100' in text(tour, "--diff v1 v2")
    assert "'pay': 180" in text(tour, 'nbfaas.deployed("tour-discount"')
    assert "***SHOP_KEY***" in text(tour, 'nbfaas.deployed("tour-discount"')


def test_a_canary_gets_its_share_and_a_rollback_moves_back(tour):
    assert "prod → v1 0.8, v2 0.2" in text(tour, "--percent 20")
    first, second = re.findall(r"'v\d': (\d+)", text(tour, "Counter(met)"))
    assert int(first) + int(second) == 1000
    assert 700 < int(first) < 900
    assert "prod → v1" in text(tour, "rollback tour-discount prod\n!")


def test_the_server_answers_over_http_and_to_the_notebook(tour):
    answers = text(tour, 'post("/functions/tour-discount:v1"')
    assert "'pay': 160" in answers
    assert "'pay': 180" in answers
    assert "[80, 160, 240]" in text(tour, "nbfaas.connect")
    assert "version 1 again" in text(tour, "orders that the server")
    orders = re.search(r"has seen: (\d+)", text(tour, "orders that the server"))
    assert orders is not None
    assert int(orders[1]) >= 6
    assert "ended with 0" in text(tour, "server.terminate")


def test_the_export_is_tested_and_is_the_same_version_elsewhere(tour):
    tested = text(tour, "test exported")
    assert "recorded  large order  (large-orders" in tested
    assert '"pay": 200' in tested
    assert "ok        large order  (large-orders" in tested
    assert "ok        small order  (no trigger takes it: not run)" in tested
    there, here = re.findall(
        r"(?:content|here:) +([0-9a-f]{12})", text(tour, "elsewhere {cli} deploy")
    )
    assert there == here


def test_the_secret_is_nowhere_in_the_notebook(tour):
    for cell in tour[1].cells:
        for output in cell.get("outputs", ()):
            assert "nobody may see" not in str(output)


def _processes() -> str:
    found = subprocess.run(["ps", "eww", "-A"], capture_output=True, text=True, env={**os.environ})
    return "\n".join(line for line in found.stdout.splitlines() if " serve" in line)
