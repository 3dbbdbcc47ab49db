"""``%%faas``: running a cell in a sandbox, in a real kernel."""

from __future__ import annotations

import os

import pytest


def test_a_cell_runs_elsewhere_and_its_output_and_value_appear_here(kernel):
    kernel.run("x = 20").ok()
    cell = kernel.run(
        "%%faas --memory 256MB\nimport os\nprint('hello', x)\nx + 1, os.getpid()"
    ).ok()
    assert "hello 20" in cell.stdout
    assert cell.value.startswith("(21, ")
    assert kernel.run("_[1] == __import__('os').getpid()").ok().value == "False"


def test_what_a_cell_sets_stays_there_unless_it_is_pulled(kernel):
    kernel.run("a = 1").ok()
    kernel.run("%%faas --pull b,c d\na = 2\nb, c, d = 'b', [a], {'k': 3}").ok()
    assert kernel.run("a, b, c, d").ok().value == "(1, 'b', [2], {'k': 3})"


def test_names_that_can_not_be_pulled_are_named_and_the_others_are_set(kernel):
    cell = kernel.run("%%faas --pull good gone bad\ngood = 5\nbad = (i for i in ())")
    assert cell.error_name == "NamesNotPulled"
    assert "without defining 'gone'" in cell.error
    assert "'bad' can't be brought back" in cell.error
    assert "generator" in cell.error
    assert kernel.run("good").ok().value == "5"


def test_functions_classes_and_local_modules_that_a_cell_uses_go_along(kernel):
    (kernel.folder / "nearby.py").write_text("def twice(x):\n    return 2 * x\n")
    kernel.run("import nearby\ndef six(): return nearby.twice(3)\nclass Point:\n    x = 4").ok()
    cell = kernel.run("%%faas\nfrom nearby import twice\nsix(), Point().x, twice(7)").ok()
    assert cell.value == "(6, 4, 14)"


def test_a_semicolon_hides_the_value_and_output_names_it(kernel):
    assert kernel.run("%%faas -o kept\n40 + 2;").ok().value == ""
    assert kernel.run("%%faas -o kept\n40 + 2").ok().value == "42"
    assert kernel.run("kept").ok().value == "42"


def test_a_cell_s_call_from_the_journal_has_the_cell_s_value(kernel):
    kernel.run("%%faas\n40 + 3").ok()
    kernel.run("%%faas\nclass There:\n    def __repr__(self): return 'there'\nThere()").ok()
    rows = kernel.run("%faas status -n 2").ok().value.splitlines()
    there, number = [row.split()[0] for row in rows if " cell " in row and "SUCCEEDED" in row]
    kernel.run("%reload_ext nbfaas\nimport nbfaas").ok()
    found = kernel.run(f"nbfaas.FunctionCall.from_id({number!r}).result()").ok()
    assert found.value == "43"
    found = kernel.run(f"nbfaas.FunctionCall.from_id({there!r}).result()").ok()
    assert found.value == "there"


def test_a_cell_may_await(kernel):
    assert kernel.run("%%faas\nimport asyncio\nawait asyncio.sleep(0, 'slept')").ok().value == (
        "'slept'"
    )


def test_a_value_of_an_unknown_type_is_shown_as_text_and_the_reason_told(kernel):
    cell = kernel.run(
        "%%faas\nclass There:\n    def __repr__(self): return '<\\x1b[2Jthere>'\nThere()"
    )
    assert cell.ok().value == "<\\x1b[2Jthere>"
    assert "shown as text" in cell.stderr
    assert "There" in cell.stderr


def test_without_blocking_the_call_is_at_hand_at_once(kernel):
    cell = kernel.run("%%faas --no-block -o call\nimport time\ntime.sleep(0.3)\n'done'").ok()
    shown = cell.displays[-1]
    assert shown["text/plain"].startswith("<CellCall ")
    assert "<strong>cell</strong>" in shown["text/html"]
    assert kernel.run("call.result()").ok().value == "'done'"


def test_what_is_refused_is_refused_in_one_line_before_anything_runs(kernel):
    kernel.run("import threading\nimport nbfaas as nb\nlock = threading.Lock()").ok()
    refused = {
        "%%faas --no-block --pull a\na = 1": ("MagicError", "--pull needs the cell's end"),
        "%%faas --memroy 1GB\n1": ("MagicError", "Did you mean --memory?"),
        "%%faas --cpu much\n1": ("MagicError", "--cpu"),
        "%%faas --memory much\n1": ("OptionError", "memory='much'"),
        "%%faas --env A\n1": ("OptionError", "--env MODE=dev"),
        "%%faas --pull 1a\n1": ("OptionError", "name of a variable"),
        "%%faas 'open\n1": ("MagicError", "No closing quotation"),
        "%%faas\nx = 1\n!ls": ("CellError", "line 3"),
        "%%faas\nlock": ("NotPicklable", "the variable 'lock'"),
        "%%faas\nfrom nbfaas import remote\n@remote\ndef f(): 1": ("CellError", "ordinary cell"),
        "%%faas\nimport nbfaas\n@nbfaas.remote(cpu=1)\ndef f(): 1": ("CellError", "line 3"),
        "%%faas\n@nb.on.event('a')\ndef f(): 1": ("CellError", "ordinary cell"),
        "%%faas --name f\nx = 1": ("CellError", "def handler(event, context):"),
        "%%faas --name f\ndef handler(): pass": ("CellError", "line 2"),
        "%%faas --name f\ndef handler(a, b, c): pass": ("CellError", "line 2"),
        "%%faas --name f --pull x\nx = 1": ("MagicError", "f.remote(event)"),
    }
    for code, (name, text) in refused.items():
        cell = kernel.run(code)
        assert (cell.error_name, text in cell.error) == (name, True), cell.error
        assert len(cell.error.splitlines()) == 1


def test_a_syntax_error_is_shown_as_ever(kernel):
    cell = kernel.run("%%faas\nx = 1\ny = = 2")
    assert cell.error_name == "SyntaxError"
    assert "line 3" in cell.error
    assert "y = = 2" in cell.error
    assert "Cell In[" in cell.error
    assert "nbfaas" not in cell.error


def test_an_error_in_a_cell_shows_the_cells_lines_and_nothing_of_nbfaas(kernel):
    cell = kernel.run("%%faas\ndef f(a):\n    return 1 / a\n\nf(0)")
    assert cell.error_name == "ZeroDivisionError"
    lines = [line.strip() for line in cell.error.splitlines()]
    assert "----> 3     return 1 / a" in lines
    assert "----> 5 f(0)" in lines
    assert any(line.startswith("Cell In[") and line.endswith("line 3, in f") for line in lines)
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert any(line.startswith("Remote traceback (in the sandbox process-") for line in lines)
    assert "run_cell" not in cell.error
    assert f"nbfaas{os.sep}" not in cell.error


def test_a_timeout_says_which_option_helps(kernel):
    cell = kernel.run("%%faas --timeout 0.3\nimport time\ntime.sleep(60)")
    assert cell.error_name == "FunctionTimeout"
    assert "%%faas --timeout 0.6" in cell.error
    assert "with_options" not in cell.error
    kernel.run("%%faas --timeout 0.3 --no-block -o slow\nimport time\ntime.sleep(60)").ok()
    later = kernel.run("slow.result()")
    assert "%%faas --timeout 0.6" in later.error
    assert "with_options" not in later.error


@pytest.mark.docker
def test_a_cell_that_is_out_of_memory_is_told_which_option_helps(docker_kernel):
    cell = docker_kernel.run("%%faas --memory 100MB\nx = bytearray(b'x') * (300 << 20)")
    assert cell.error_name == "OutOfMemory"
    assert "%%faas --memory 200MB" in cell.error
    assert "with_options" not in cell.error


@pytest.mark.docker
def test_what_a_cell_lacks_is_told_with_the_options_of_the_magic(docker_kernel):
    cell = docker_kernel.run("%%faas\nimport numpy")
    assert cell.error_name == "MissingPackage"
    assert "img = Image.python().pip_install('numpy') in another cell" in cell.error
    assert "%%faas --image scientific" in cell.error
    assert "@remote(" not in cell.error
    docker_kernel.run("%%faas --name f\ndef handler(event):\n    import pandas").ok()
    handled = docker_kernel.run("f.remote({})")
    assert handled.error_name == "ModuleNotFoundError"
    assert "%%faas --image scientific" in handled.error
    docker_kernel.run("from nbfaas import remote, emit").ok()
    for code in ("%%faas\nf = remote(len)", "%%faas\nemit('a')"):
        refused = docker_kernel.run(code)
        assert "a sandbox has Context and Event only" in refused.error
        assert "pip_install" not in refused.error


@pytest.mark.docker
def test_the_journal_too_advises_what_helps_a_cell(docker_kernel):
    docker_kernel.run("%%faas --memory 64MB\nb = bytearray(300_000_000)", timeout=120)
    docker_kernel.run(
        "import nbfaas\njournal = nbfaas.service.get_service().journal\n"
        "assert journal.flush()\nlast = journal.latest(1)[0]"
    ).ok()
    assert "%%faas --memory 128MB" in docker_kernel.run("last.error").ok().value


def test_a_cells_call_is_its_value_however_it_is_got(kernel):
    kernel.run(
        "import threading, time, nbfaas\n"
        "from nbfaas.remote.call import waited_for\n"
        "def look():\n"
        "    while not waited_for:\n"
        "        time.sleep(0.01)\n"
        "    call = nbfaas.FunctionCall.from_id(next(iter(waited_for)))\n"
        "    found.append(call.result(30))\n"
        "found, looking = [], threading.Thread(target=look)\n"
        "looking.start()"
    ).ok()
    assert kernel.run("%%faas\nimport time\ntime.sleep(0.5)\n6 * 7").ok().value == "42"
    assert kernel.run("looking.join(); found").ok().value == "[42]"
    kernel.run("%%faas --no-block -o call\n'again'").ok()
    assert kernel.run("call.result(), call.rerun().result()").ok().value == "('again', 'again')"
    assert kernel.run("call.details().result").ok().value == "\"'again'\""
    kernel.run("number = call.id; del call; import gc; _ = gc.collect()").ok()
    assert kernel.run("nbfaas.FunctionCall.from_id(number).result()").ok().value == "'again'"


def test_an_interrupt_cancels_the_cell(kernel):
    running = kernel.begin("%%faas\nimport time\nprint('on')\ntime.sleep(60)")
    kernel.wait_for_output(running, "on")
    kernel.interrupt()
    assert kernel.wait(running).error_name == "KeyboardInterrupt"
    kernel.run("from nbfaas.journal import Journal").ok()
    assert "CANCELLED" in kernel.run("%faas status -n 1").ok().value


def test_help_shows_the_options(kernel):
    (page,) = kernel.run("%%faas?").ok().pages
    for option in ("--memory", "--pull", "--no-block", "--name", "--volume", "--isolation"):
        assert option in page


def test_a_cell_defines_a_function_from_its_handler(kernel):
    code = "%%faas --name thumb --env SIZE=3\nimport os\n\ndef handler(event, context):\n    "
    cell = kernel.run(code + "return event['n'] * int(os.environ['SIZE']), context.function_name")
    assert cell.ok().value.startswith("<RemoteFunction thumb")
    assert kernel.run("thumb.remote({'n': 2})").ok().value == "(6, 'thumb')"
    kernel.run(code + "return 'new'").ok()
    again = kernel.run("thumb.remote({})").ok()
    assert (again.value, again.stderr) == ("'new'", "")
    same = kernel.run("import nbfaas; nbfaas.functions['thumb'] is thumb").ok()
    assert same.value == "True"
    kernel.run("%%faas --name alone\ndef handler(event):\n    return event").ok()
    assert kernel.run("alone.remote(3), alone(4)").ok().value == "(3, 4)"


def test_an_error_in_a_handler_shows_the_call_and_the_handlers_line(kernel):
    kernel.run("%%faas --name bad\ndef handler(event, context):\n    raise KeyError(event)").ok()
    cell = kernel.run("bad.remote('id')")
    assert cell.error_name == "KeyError"
    assert "----> 1 bad.remote('id')" in cell.error
    assert "----> 3     raise KeyError(event)" in cell.error


@pytest.mark.docker
def test_a_cell_in_a_container_is_isolated_and_brings_its_names_back(docker_kernel):
    code = (
        "%%faas --memory 128MB --pull host\nimport os, socket\nhost = socket.gethostname()\n"
        "os.path.exists('/var/run/docker.sock')"
    )
    assert docker_kernel.run(code, timeout=120).ok().value == "False"
    assert docker_kernel.run("import socket; host != socket.gethostname()").ok().value == "True"
    oom = docker_kernel.run("%%faas --memory 64MB\nb = bytearray(300_000_000)", timeout=120)
    assert oom.error_name == "OutOfMemory"
    assert "%%faas --memory" in oom.error
