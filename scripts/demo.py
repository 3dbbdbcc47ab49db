"""Runs notebooks in real kernels and prints what comes out: ``python scripts/demo.py [FILE…]``;
without a file, the first two tours in notebooks/; the third is for a browser, and the fourth can't
do without Docker.

Functions run in containers; where no Docker can be had, in processes, which is said. What was run
is kept in build/demo/, the notebook itself is not touched. Ends with 1 if a cell failed.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from docker_daemon import NoDocker, ensure
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
TOURS = [ROOT / "notebooks" / name for name in ("01-first-steps.ipynb", "02-events.ipynb")]
BUILD = ROOT / "build" / "demo"
CELL_SECONDS = 600

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """Where text is shown. Colours are left out where nobody sees them."""

    def __init__(self) -> None:
        self.colours = sys.stdout.isatty()
        self._at_line_start = True

    def write(self, text: str) -> None:
        text = text if self.colours else _ESCAPES.sub("", text)
        if text:
            print(text, end="", flush=True)
            self._at_line_start = text.endswith("\n")

    def line(self, text: str = "", style: str = "") -> None:
        if not self._at_line_start:
            self.write("\n")
        self.write((f"\x1b[{style}m{text}\x1b[0m" if style and self.colours else text) + "\n")


class Run(NotebookClient):
    """Executes a notebook and shows its cells: output streams as it is written; what is displayed
    under an id (and so may be replaced while the cell runs) is shown when the cell is done."""

    screen: Screen

    def output(
        self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> Any:
        shown = super().output(outs, msg, display_id, cell_index)
        if shown is not None and display_id is None:
            expected = "raises-exception" in self.nb.cells[cell_index].metadata.get("tags", ())
            if shown.output_type != "error" or expected:  # else it is told at the end
                self._show(shown)
        return shown

    def show_headings(self, cell_index: int) -> None:
        """The headings between the previous code cell and this one."""
        for cell in after_the_last_code(self.nb.cells[:cell_index]):
            for text in cell.source.splitlines():
                if text.startswith("#"):
                    self.screen.line()
                    self.screen.line(text.lstrip("# "), style="1")

    def before(self, cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code" and cell.source.strip():
            self.show_headings(cell_index)
            self.screen.line()
            for text in cell.source.rstrip().splitlines():
                self.screen.line(f"  │ {text}", style="2")

    def after(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        for indices in self._display_id_map.values():
            for index in indices.get(cell_index, []):
                self._show(cell.outputs[index])

    def _show(self, output: Any) -> None:
        if output.output_type == "stream":
            self.screen.write(output.text)
        elif output.output_type in ("display_data", "execute_result"):
            text = output.data.get("text/plain", "")
            self.screen.line(text if isinstance(text, str) else "".join(text))
        elif output.output_type == "error":
            self.screen.line("\n".join(output.traceback))


def after_the_last_code(cells: list[Any]) -> list[Any]:
    start = max((i + 1 for i, cell in enumerate(cells) if cell.cell_type == "code"), default=0)
    return cells[start:]


def choose_backend(screen: Screen) -> str:
    """The user's own ``NBFAAS_BACKEND``, else docker if it can be had, else process."""
    chosen = os.environ.get("NBFAAS_BACKEND", "auto")
    if chosen == "process":
        screen.line(
            "Backend: process (NBFAAS_BACKEND=process), so functions run without isolation."
        )
        return chosen
    try:
        screen.line(f"Backend: docker (version {ensure()})")
        return "docker"
    except NoDocker as error:
        if chosen == "docker":
            sys.exit(f"NBFAAS_BACKEND=docker, but {error}")
        screen.line(
            "Backend: process. Functions run as processes of this machine, NOT in containers,"
        )
        screen.line(f"because Docker can't be had here: {error}")
        return "process"


def execute(notebook: Any, folder: Path, screen: Screen) -> str:
    """Run all cells; what failed as text, or '' if nothing did."""
    with tempfile.TemporaryDirectory(prefix="nbfaas-demo-") as sockets:
        # TCP, the default, is open to the machine's other users.
        private = {"transport": "ipc", "ip": f"{sockets}/kernel"}
        run = Run(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": private}),
        )
        run.screen = screen
        run.on_cell_start = run.before
        run.on_cell_executed = run.after
        try:
            run.execute()
        except CellExecutionError as error:
            return f"A cell failed:\n\n{error}"
        except CellTimeoutError as error:
            return f"A cell did not end within {CELL_SECONDS} s:\n\n{error}"
        except DeadKernelError:
            return "The kernel died."
    return ""


def keep(notebook: Any, name: str) -> list[Path]:
    """Write the executed notebook and, if nbconvert is installed, a page; return the files."""
    BUILD.mkdir(parents=True, exist_ok=True)
    files = [BUILD / name]
    nbformat.write(notebook, files[0])
    try:
        from nbconvert import HTMLExporter
    except ImportError:
        return files
    page, _ = HTMLExporter().from_notebook_node(notebook)
    files.append(files[0].with_suffix(".html"))
    files[1].write_text(page)
    return files


def show(path: Path, backend: str, screen: Screen) -> bool:
    """Run one notebook; whether all of it worked."""
    screen.line(f"Notebook: {path}")
    notebook = nbformat.read(path, as_version=4)
    started = time.monotonic()
    failure = execute(notebook, path.parent, screen)
    seconds = time.monotonic() - started
    files = keep(notebook, path.name)

    screen.line()
    if failure:
        screen.line(failure)
    ran = "FAILED" if failure else "Done"
    screen.line(f"{ran} after {seconds:.1f} s on the {backend} backend.", style="1")
    screen.line(f"What was run: {', '.join(map(str, files))}")
    return not failure


def main(arguments: list[str]) -> int:
    paths = [Path(argument).resolve() for argument in arguments] or TOURS
    for path in paths:
        if not path.is_file():
            sys.exit(f"there is no notebook {path}")
    screen = Screen()
    os.environ["NBFAAS_BACKEND"] = backend = choose_backend(screen)
    # The demo keeps out of the user's own journal, and of kernels they may have installed.
    os.environ.setdefault("NBFAAS_DATA_DIR", str(BUILD / "data"))
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    for number, path in enumerate(paths):
        if number:
            screen.line()
        if not show(path, backend, screen):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
