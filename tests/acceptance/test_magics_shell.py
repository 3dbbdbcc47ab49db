"""What ``%load_ext nbfaas`` adds to a kernel, and that nothing else changes."""

from __future__ import annotations

import pytest
from kernel import Kernel

SLOW = """
from nbfaas import remote

@remote
def slow(x):
    import time
    time.sleep(0.25)
    return x
"""


def test_loading_asks_docker_nothing_and_the_first_call_says_what_is_wrong(tmp_path):
    with Kernel(tmp_path, backend="docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock") as kernel:
        assert kernel.run("%load_ext nbfaas").ok().stderr == ""
        cell = kernel.run("%%faas\n1")
    assert cell.error_name == "BackendUnavailable"


def test_the_process_backend_says_that_nothing_is_isolated(tmp_path):
    with Kernel(tmp_path) as kernel:
        shown = kernel.run("%load_ext nbfaas").ok().shown
        shown += kernel.run("%%faas\n1").ok().shown
        shown += kernel.run("%%faas\n1").ok().shown
    assert shown.count("NOT isolated") == 1


def test_loading_again_changes_nothing_and_unloading_takes_all_away(kernel):
    assert "already loaded" in kernel.run("%load_ext nbfaas").ok().stdout
    kernel.run("%reload_ext nbfaas").ok()
    assert kernel.run("%%faas\n1 + 1").ok().value == "2"
    before = kernel.run("len(get_ipython().configurables)").ok().value
    kernel.run("%unload_ext nbfaas").ok()
    assert "not found" in kernel.run("%%faas\n1").stderr
    assert "not found" in kernel.run("%faas").stderr
    assert kernel.run("'showtraceback' in vars(get_ipython())").ok().value == "False"
    assert int(kernel.run("len(get_ipython().configurables)").ok().value) == int(before) - 1
    kernel.run("%load_ext nbfaas").ok()


def test_settings_can_be_seen_and_set_with_config(kernel):
    kernel.run("%config Settings.keep_alive = 77").ok()
    assert kernel.run("import nbfaas; nbfaas.config.keep_alive").ok().value == "77.0"
    assert "Settings" in kernel.run("%config").ok().stdout


def test_running_a_cell_again_replaces_the_function_without_a_word(kernel):
    for _ in range(2):
        cell = kernel.run(SLOW).ok()
        assert (cell.stdout, cell.stderr, cell.shown) == ("", "", "")
    assert kernel.run("import nbfaas; list(nbfaas.functions).count('slow')").ok().value == "1"


def test_errors_of_calls_show_the_users_line_and_the_remote_one(kernel):
    kernel.run("from nbfaas import remote\n@remote\ndef f(x):\n    raise ValueError(x)").ok()
    for code in ("f.remote('no')", "f.spawn('no').result()", "list(f.map(['no']))"):
        cell = kernel.run(code)
        assert f"----> 1 {code}" in cell.error
        assert "----> 4     raise ValueError(x)" in cell.error
        assert "ValueError: no" in cell.error
        assert "remote/function.py" not in cell.error
        assert "_base.py" not in cell.error


def test_errors_of_options_show_the_users_line_and_the_message(kernel):
    kernel.run(SLOW).ok()
    cell = kernel.run("slow.with_options(memory='lots')")
    assert "----> 1 slow.with_options(memory='lots')" in cell.error
    assert cell.error.splitlines()[-1].startswith("OptionError: memory='lots' is not valid")
    assert "options.py" not in cell.error


def test_a_large_closure_warns_at_the_line_of_the_cell(kernel):
    define = "big = bytes(2_000_000)\n@remote\ndef use(): return len(big)\n"
    warned = kernel.run(define + "use.remote()  # mine").ok().stderr
    assert "LargeClosureWarning: function 'use' ships" in warned
    assert "# mine" in warned
    assert "function.py" not in warned


def test_the_open_that_ipython_puts_into_notebooks_is_not_shipped(kernel):
    kernel.run("@remote\ndef size(path):\n    return len(open(path, 'rb').read())").ok()
    assert kernel.run("size.remote('/dev/null')").ok().value == "0"
    assert "open" not in kernel.run("print(size.shipped())").ok().stdout


def test_an_endless_recursion_is_shown_in_a_few_lines(kernel):
    cell = kernel.run("@remote\ndef again(n): return again(n + 1)\nagain.remote(0)")
    assert cell.error_name == "RecursionError"
    assert len(cell.error.splitlines()) < 50
    assert "frames like the last one" in cell.error


def test_a_flood_of_output_is_few_messages_and_keeps_its_order(kernel):
    kernel.run("@remote\ndef flood(n):\n    for i in range(n): print(i)\nflood.remote(1)").ok()
    count = (
        "import sys; flushes, flush = [], sys.stdout.flush\n"
        "sys.stdout.flush = lambda: (flushes.append(1), flush())\n"
        "flood.remote(3000); sys.stdout.flush = flush; len(flushes)"
    )
    cell = kernel.run(count).ok()
    assert cell.stdout == "".join(f"{i}\n" for i in range(3000))
    assert int(cell.value) < 300


def test_other_errors_look_as_ever(kernel):
    with_it = kernel.run("1 / 0").error
    kernel.run("%unload_ext nbfaas").ok()
    without = kernel.run("1 / 0").error
    kernel.run("%load_ext nbfaas").ok()
    assert with_it.partition("line 1")[2] == without.partition("line 1")[2]


@pytest.mark.docker
def test_where_functions_run_is_said_once(docker_kernel):
    shown = docker_kernel.run("%%faas\n1", timeout=120).ok().shown
    shown += docker_kernel.run("%%faas\n2").ok().shown
    assert shown.count("Docker containers") <= 1
    assert "NOT isolated" not in shown
