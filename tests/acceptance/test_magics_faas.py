"""``%faas``: looking at what runs, and acting on it, in a real kernel."""

from __future__ import annotations

import pytest
from waiting import until

SCORE = """
from nbfaas import remote

@remote
def score(x):
    print("scoring", x)
    return 10 / x
"""


@pytest.fixture
def score(kernel):
    kernel.run(SCORE).ok()
    return kernel


def test_without_a_command_the_commands_are_listed(kernel):
    out = kernel.run("%faas").ok().stdout
    for command in (
        "status",
        "ps",
        "metrics",
        "logs",
        "stop",
        "images",
        "doctor",
        "triggers",
        "events",
        "dlq",
    ):
        assert f"%faas {command}" in out
    assert kernel.run("%faas --help").ok().stdout == out
    assert "%faas doctor" in kernel.run("%faas?").ok().pages[0]


def test_a_misspelt_command_is_told_the_nearest(kernel):
    cell = kernel.run("%faas sttus")
    assert (cell.error_name, len(cell.error.splitlines())) == ("MagicError", 1)
    assert "%faas status" in cell.error
    assert "%faas logs -h" in kernel.run("%faas logs").error
    assert kernel.run("%faas logs -h").ok().value.startswith("%faas logs [-h] [-n N] NAME|ID")


def test_status_counts_calls_and_lists_the_latest(score):
    score.run("[score.remote(1), score.remote(2)]").ok()
    score.run("score.remote(0)")
    cell = score.run("%faas status -n 1").ok()
    words = [line.split() for line in cell.value.splitlines()]
    assert ["score", "0", "0", "2", "1", "0"] in words
    (latest,) = [row for row in words if len(row) > 2 and row[1:3] == ["score", "FAILED"]]
    assert "ZeroDivisionError:" in latest
    assert "<table>" in cell.html


def test_text_of_functions_is_shown_and_not_interpreted(score):
    evil = "<script>alert(1)</script>"
    score.run(f"@remote\ndef evil(): raise ValueError('''{evil}\\x1b[2J''')").ok()
    failed = score.run("evil.remote()")
    assert "\\x1b[2J" in failed.error
    html = score.run("%faas status -n 1").ok().html
    assert "&lt;script&gt;" in html
    assert evil not in html
    assert "\x1b" not in html


def test_ps_shows_sandboxes_and_stop_removes_idle_ones(score):
    score.run("score.remote(1)").ok()
    assert "score" in score.run("%faas ps").ok().value
    assert score.run("%faas stop score").ok().value == "1 idle sandbox is removed."
    until(lambda: "score" not in score.run("%faas ps").ok().value)
    assert "Did you mean 'score'?" in score.run("%faas stop scroe").error


def test_options_are_not_abbreviated_lest_they_mean_something_else_one_day(score):
    for line, meant in {
        "%faas stop --al": "--all",
        "%faas dlq purge --a": "--all",
        "%faas events --trig a": "--trigger",
    }.items():
        cell = score.run(line)
        assert (cell.error_name, f"Did you mean {meant}?" in cell.error) == ("MagicError", True)
    assert "Did you mean" not in score.run("%faas status --al").error


def test_stop_all_cancels_what_runs_and_the_next_call_starts_anew(score):
    score.run("@remote\ndef nap():\n    import time\n    time.sleep(60)\ncall = nap.spawn()").ok()
    score.run("%faas stop --all").ok()
    assert score.run("call.cancelled()").ok().value == "True"
    assert score.run("score.remote(5)").ok().value == "2.0"


def test_metrics_show_how_often_and_how_long_functions_ran(score):
    score.run("import time\n@remote\ndef slow():\n    time.sleep(0.12)").ok()
    begun = score.run("%faas metrics").ok().value
    assert "Counting begins now" in begun or "Counted since" in begun
    score.run("[slow.remote() for _ in range(3)]").ok()
    score.run("@remote(retries=1)\ndef bad(): raise ValueError('no')\nbad.remote()")
    cell = score.run("%faas metrics").ok()
    rows = {row[0]: row for row in map(str.split, cell.value.splitlines()) if len(row) > 10}
    assert rows["slow"][1:7] == ["3", "0", "0", "0", "0", "0"]
    assert rows["slow"][8:10] == ["175", "ms"]
    assert rows["bad"][1:7] == ["0", "1", "0", "0", "0", "1"]
    assert "Counted since" in cell.value
    assert "<table>" in cell.html


def test_logs_are_found_by_name_by_id_and_by_map(score):
    score.run("call = score.spawn(4); call.result(); run = score.map([1, 2]); run.wait()").ok()
    by_id = score.run("get_ipython().run_line_magic('faas', f'logs {call.id}')").ok()
    assert by_id.value == "scoring 4"
    assert "scoring" in score.run("%faas logs score").ok().value
    by_map = score.run("get_ipython().run_line_magic('faas', f'logs {run.id}')").ok()
    assert by_map.value.splitlines() == ["[0] scoring 1", "[1] scoring 2"]
    assert "no invocation, map or function 'nix'" in score.run("%faas logs nix").error


def test_the_doctor_checks_the_process_backend(kernel):
    value = kernel.run("%faas doctor").ok().value
    for what in ("Python", "kernel", "sandbox", "round trip", "journal", "disk space"):
        assert f"✓ ok  {what} " in value
    assert "NOT isolated" in value
    assert "All is well." in value


def test_the_doctors_calls_are_in_no_list(kernel):
    kernel.run("import nbfaas\nnbfaas.service.get_service().metrics").ok()
    before = kernel.run("%faas status -n 1").ok().value
    kernel.run("%faas doctor").ok()
    after = kernel.run("%faas status -n 1").ok().value
    assert "doctor" not in after
    assert before.splitlines()[-1].split()[:2] == after.splitlines()[-1].split()[:2]
    assert "doctor" not in kernel.run("%faas metrics").ok().value


def test_the_doctor_finds_a_journal_that_can_not_be_written(tmp_path):
    from kernel import Kernel

    with Kernel(tmp_path) as kernel:
        (tmp_path / "data").write_text("no folder")
        kernel.run("%load_ext nbfaas").ok()
        value = kernel.run("%faas doctor").ok().value
    assert "✗ not ok  journal" in value
    assert "NBFAAS_DATA_DIR" in value


@pytest.mark.docker
def test_the_doctor_checks_docker(docker_kernel):
    value = docker_kernel.run("%faas doctor", timeout=120).ok().value
    assert "Docker Engine " in value
    assert "docker: functions are isolated" in value
    assert "All is well." in value
    assert "nbfaas/python:" in docker_kernel.run("%faas images").ok().value
