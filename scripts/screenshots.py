"""Takes the pictures in docs/images/: ``python scripts/screenshots.py``.

Runs the first notebook in JupyterLab, in Debian's Chromium, and photographs some of its sections.
The notebook itself is not touched. Ends with 1 if a cell failed that should not have.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
from docker_daemon import NoDocker, ensure
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01-first-steps.ipynb"
IMAGES = ROOT / "docs" / "images"
# The picture's name; the headings of its first section, and of the one that follows it.
PICTURES = (
    ("first-steps", "A grid search", "Was it worth it?"),
    ("traceback", "When something goes wrong", "A cell in a container"),
)
RUN_SECONDS = 600.0  # images may have to be made first
START_SECONDS = 60.0
# So tall that no cell has to be scrolled to.
WINDOW = {"width": 1000, "height": 6000}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


def main() -> int:
    try:
        ensure()
        program = chromium.ensure()
    except (NoDocker, chromium.NoChromium) as error:
        sys.exit(f"pictures show real containers in a real browser, but {error}")
    with tempfile.TemporaryDirectory(prefix="nbfaas-pictures-") as folder:
        shutil.copy(NOTEBOOK, folder)
        with jupyter(Path(folder)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=chromium.OPTIONS)
            page = browser.new_page(viewport=WINDOW, device_scale_factor=2)
            try:
                page.goto(address, wait_until="domcontentloaded")
                failed = run_all(page)
                IMAGES.mkdir(exist_ok=True)
                for name, first, following in PICTURES:
                    photograph(page, IMAGES / f"{name}.png", first, following)
            finally:
                browser.close()
    for text in failed:
        print(f"a cell failed: {text}", file=sys.stderr)
    return 1 if failed else 0


@contextlib.contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """JupyterLab with its own settings, as the address at which it shows the notebook."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, values in SETTINGS.items():
        file = folder / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "NBFAAS_BACKEND": "docker",
        "NBFAAS_DATA_DIR": str(folder / "data"),
    }
    options = ["--no-browser", "--expose-app-in-browser", "--ip=127.0.0.1", f"--port={port}"]
    options += ["--allow-root"] if os.geteuid() == 0 else []
    log = folder / "jupyter.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={folder}"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{base}/api/status?token={token}"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield f"{base}/doc/tree/{NOTEBOOK.name}?token={token}"
    finally:
        process.terminate()  # ends its kernels too
        process.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310 - it is http
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def run_all(page: Page) -> list[str]:
    """Run the notebook to its end; what failed, except where the cell says that it will."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=1000 * START_SECONDS)
    page.wait_for_function(
        """() => {
            const session = window.jupyterapp.shell.currentWidget?.sessionContext;
            return session?.isReady && session.session?.kernel?.status == 'idle';
        }""",
        polling=200,
        timeout=1000 * START_SECONDS,
    )
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
            .every(prompt => /\\d/.test(prompt.innerText))""",
        polling=200,
        timeout=1000 * RUN_SECONDS,
    )
    page.wait_for_timeout(1000)  # what is displayed last still has to be drawn
    cells: list[dict[str, Any]] = page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
    )
    return [
        output["ename"] + ": " + output["evalue"]
        for cell in cells
        if "raises-exception" not in cell["metadata"].get("tags", [])
        for output in cell.get("outputs", ())
        if output["output_type"] == "error"
    ]


def photograph(page: Page, file: Path, first: str, following: str) -> None:
    """The cells from the one with the heading ``first`` to before the one with ``following``."""
    clip = page.evaluate(
        """([first, following]) => {
            document.activeElement.blur();
            const all = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
            const at = heading => all.findIndex(cell => [...cell.querySelectorAll('h1,h2,h3')]
                .some(h => h.innerText.startsWith(heading)));
            const boxes = all.slice(at(first), at(following)).map(c => c.getBoundingClientRect());
            const top = boxes[0].top, bottom = boxes.at(-1).bottom;
            return {x: boxes[0].left, y: top, width: boxes[0].width, height: bottom - top};
        }""",
        [first, following],
    )
    page.screenshot(path=file, clip=clip)
    print(f"{file.relative_to(ROOT)}: {clip['width']:.0f} x {clip['height']:.0f} points")


if __name__ == "__main__":
    sys.exit(main())
