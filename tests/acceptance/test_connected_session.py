"""A notebook that works on a server: functions, cells, widgets and commands in a real kernel."""

from __future__ import annotations

import docker
import pytest
from function_images import PREFIX, remove_images
from serving import Running

from nbfaas import remote
from nbfaas.settings import config

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}thumb"
VIEW = "application/vnd.jupyter.widget-view+json"
DEFINE = """
from nbfaas import remote

@remote(cpu=0.5, memory="128MB")
def slow(x):
    import socket, time
    print("slow", x, "on", socket.gethostname())
    time.sleep(0.3)
    if x == 5:
        raise ValueError("five")
    return x * x
"""


def thumb(size: int = 1) -> int:
    print("thumb of", size)
    return 10 * size


@pytest.fixture
def running(tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    monkeypatch.setattr(config, "data_dir", str(folder / "data"))
    monkeypatch.setattr(config, "show_progress", False)
    remote(cpu=0.5, memory="128MB")(thumb).deploy(NAME, alias="prod")
    running = Running(folder, folder / "data", backend="docker")
    client = docker.from_env()
    try:
        running.start()
        yield running
    finally:
        running.kill()
        remove_images(client)
        client.close()


def test_a_notebook_works_on_a_server_as_it_does_here(kernel, running):
    kernel.run(f"import os; os.environ['NBFAAS_TOKEN'] = {running.token!r}").ok()
    said = kernel.run(f"%faas connect {running.url}").ok().value
    assert "Connected to" in said
    assert NAME in said

    kernel.run(DEFINE).ok()
    cell = kernel.run("run = slow.map(range(5)); print(list(run)); run", 120).ok()
    assert "[0, 1, 4, 9, 16]" in cell.stdout
    assert len(cell.displays) == 1
    assert VIEW in cell.displays[0]
    assert "slow: 5/5 done" in cell.displays[0]["text/plain"]
    assert "<svg" in cell.displays[0]["text/html"]
    failed = kernel.run("slow.remote(5)", 60)
    assert failed.error_name == "ValueError"
    assert "Cell In[" in failed.error
    assert 'raise ValueError("five")' in failed.error
    told = kernel.run("call = slow.spawn(3); call.result(); print(call.logs)", 60).ok().stdout
    assert "slow 3 on" in told

    # A cell, with a variable of the notebook, its value and what it brings back.
    kernel.run("base = 40").ok()
    text = "%%faas --cpu 0.5 --memory 128MB --pull doubled\ndoubled = 2 * base\ndoubled + base"
    assert kernel.run(text, 120).ok().value == "120"
    assert kernel.run("doubled").ok().value == "80"

    deployed = f"server = nbfaas.deployed({NAME!r}); print(server.remote(4), server)"
    told = kernel.run(f"import nbfaas; {deployed}", 60).ok().stdout
    assert "40 <ServerFunction" in told

    # What the commands and the dashboard show is the server's.
    assert "docker at http://" in kernel.run("%faas ps").ok().value
    assert "slow" in kernel.run("%faas status").ok().value
    assert "thumb of 4" in kernel.run(f"%faas logs {NAME}").ok().value
    assert "slow" in kernel.run("%faas metrics").ok().value
    assert NAME in kernel.run("%faas functions").ok().value
    assert "All is well" in kernel.run("%faas doctor", 120).ok().value
    kernel.run("%faas dashboard").ok()
    board = "from nbfaas.notebook.widgets.dashboard import Dashboard\nboard = Dashboard()"
    kernel.run(board).ok()
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"size": 7}).json() == 70
    kernel.run("import time; slow.remote(2); time.sleep(2); board.refresh()", 60).ok()
    shown = kernel.run("print(board)").ok()
    assert "slow" in shown.stdout
    assert NAME in shown.stdout

    assert kernel.run("%faas stop --all").error_name == "NotOnServer"
    assert "run here again" in kernel.run("%faas disconnect").ok().value
    assert kernel.run("slow.remote(2)", 60).ok().value == "4"
    assert "process)" in kernel.run("%faas ps").ok().value


def test_a_server_that_ends_is_told_in_the_notebook(kernel, running):
    kernel.run(
        f"import nbfaas\nconnected = nbfaas.connect({running.url!r}, {running.token!r})"
    ).ok()
    kernel.run(DEFINE).ok()
    kernel.run("run = slow.map(range(200), return_exceptions=True)").ok()
    assert running.stop() == 0
    told = kernel.run("print({type(each).__name__ for each in run})", 60).ok().stdout
    assert "ServerGone" in told
    failed = kernel.run("slow.remote(1)", 60)
    assert failed.error_name == "ServerGone"
    assert "the server is closing" in failed.error_value
    kernel.run("connected.close()").ok()
    assert kernel.run("slow.remote(2)", 60).ok().value == "4"
