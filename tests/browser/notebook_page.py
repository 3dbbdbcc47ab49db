"""A notebook in a browser, as a test drives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page
from running_jupyter import JupyterServer

# What the browser is started with: as root and without a GPU, and asking nothing of the network.
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_LOAD = 120_000  # milliseconds
_RUN = 120_000

# What the frontends themselves log as errors, and why it is none of ours.
ALLOWED: tuple[re.Pattern[str], ...] = (
    # Notebook 7 hears of a settings plugin before that is loaded (its list of shortcuts).
    re.compile(r"undefined \(reading 'schema'\)[\s\S]*/static/notebook/notebook_core"),
    # Notebook 7 has JupyterLab's file browser restored, without that one's command to open a file.
    re.compile(r"Command 'filebrowser:open-path' not registered[\s\S]*notebook_core"),
)

# The notebook's panel, in JavaScript.
_NOTEBOOK = "[...window.jupyterapp.shell.widgets('main')].find(each => each.sessionContext)"


class NotebookPage:
    """One notebook in one page; ``frontend`` is "lab" or "notebook"."""

    def __init__(self, page: Page, server: JupyterServer, frontend: str) -> None:
        self.page = page
        self.frontend = frontend
        self.path = ""
        self.errors: list[str] = []
        self.server = server
        self._themed = False
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error.stack or error}"))

    def __repr__(self) -> str:
        return f"<NotebookPage {self.path} in {self.frontend}>"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.errors.append(f"{message.text} ({where})")

    # -- opening and running

    def open_notebook(self, cells: list[str]) -> None:
        """Show a new notebook with these code cells, and wait until its kernel is ready."""
        self._open(self.server.write(cells))

    def open_file(self, file: Path) -> None:
        """Show a copy of a notebook, and wait until its kernel is ready."""
        self._open(self.server.copy(file))

    def _open(self, path: str) -> None:
        self.path = path
        self.page.goto(
            self.server.address(self.path, self.frontend),
            wait_until="domcontentloaded",
            timeout=_LOAD,
        )
        self.wait_ready()

    def wait_ready(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=_LOAD)
        self.page.wait_for_function(
            f"""() => {{
                const context = ({_NOTEBOOK})?.sessionContext;
                return context?.isReady && context.session?.kernel?.status === 'idle';
            }}""",
            polling=100,
            timeout=_LOAD,
        )

    def start_cell(self, index: int) -> None:
        """Run a cell, and don't wait for its end."""
        self.page.evaluate(
            f"""async index => {{
                const notebook = ({_NOTEBOOK});
                notebook.content.activeCellIndex = index;
                notebook.content.deselectAll();
                void window.jupyterapp.commands.execute('notebook:run-cell');
            }}""",
            index,
        )

    def run_cell(self, index: int, timeout: int = _RUN) -> None:
        """Run a cell and wait until it and the kernel are done. Fails if it raised."""
        self.start_cell(index)
        self.wait_cell(index, timeout)
        raised = [each for each in self.outputs(index) if each["output_type"] == "error"]
        assert not raised, f"cell {index} raised {raised[0]['ename']}: {raised[0]['evalue']}"

    def run(self, code: str, timeout: int = _RUN) -> str:
        """Run code in a new cell at the end; what it printed and its value, as text."""
        index: int = self.page.evaluate(
            f"""code => {{
                const model = ({_NOTEBOOK}).content.model.sharedModel;
                model.addCell({{cell_type: 'code', source: code}});
                return model.cells.length - 1;
            }}""",
            code,
        )
        self.run_cell(index, timeout)
        return self.text(index)

    def run_all(self, timeout: int = _RUN) -> list[str]:
        """Run all cells to their end; what failed, but where a cell's tags say that it will."""
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                .every(prompt => /\\d/.test(prompt.innerText))""",
            polling=200,
            timeout=timeout,
        )
        self.wait_idle(timeout)
        cells: list[dict[str, Any]] = self.page.evaluate(
            f"() => ({_NOTEBOOK}).content.model.toJSON().cells"
        )
        return [
            f"{output['ename']}: {output['evalue']}"
            for cell in cells
            if "raises-exception" not in cell["metadata"].get("tags", [])
            for output in cell.get("outputs", ())
            if output["output_type"] == "error"
        ]

    def wait_cell(self, index: int, timeout: int = _RUN) -> None:
        """Wait for the end of a cell that was started."""
        self.page.wait_for_function(
            f"""index => {{
                const notebook = ({_NOTEBOOK});
                const prompt = notebook.content.widgets[index].promptNode?.innerText ?? '';
                return /\\d/.test(prompt);
            }}""",
            arg=index,
            polling=50,
            timeout=timeout,
        )
        self.wait_idle(timeout)

    def wait_idle(self, timeout: int = _RUN) -> None:
        """Wait until the kernel runs nothing."""
        self.page.wait_for_function(
            f"() => ({_NOTEBOOK}).sessionContext.session?.kernel?.status === 'idle'",
            polling=50,
            timeout=timeout,
        )

    def busy(self, index: int) -> bool:
        """Whether the cell has begun and not ended."""
        return "*" in self._prompt(index)

    def _prompt(self, index: int) -> str:
        text: str = self.page.evaluate(
            f"index => ({_NOTEBOOK}).content.widgets[index].promptNode?.innerText ?? ''", index
        )
        return text

    # -- looking

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """Where a cell's outputs are."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def widget(self, index: int) -> Locator:
        """The widgets of nbfaas in a cell's output."""
        return self.output(index).locator(".nbf")

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """A cell's outputs as they would be saved."""
        found: list[dict[str, Any]] = self.page.evaluate(
            f"index => ({_NOTEBOOK}).content.widgets[index].model.toJSON().outputs", index
        )
        return found

    def text(self, index: int) -> str:
        """What a cell printed, and the text of its value; not what was displayed."""
        parts = []
        for output in self.outputs(index):
            if output["output_type"] in ("stream", "execute_result"):
                said = output.get("text") or output["data"]["text/plain"]
                parts.append(said if isinstance(said, str) else "".join(said))
        return "".join(parts)

    def screenshot(self, path: Path | str, locator: Locator | None = None) -> None:
        """A picture of what ``locator`` finds, or of the window."""
        self.page.evaluate("document.activeElement?.blur()")
        (locator or self.page).screenshot(path=path)

    # -- acting

    def theme(self, name: str) -> None:
        """Switch to the "light" or "dark" theme."""
        self._themed = self._themed or name != "light"
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {name.capitalize()}",
        )
        light = str(name == "light").lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def kernel(self, function: str) -> Any:
        """Call a JavaScript function with the frontend's connection to the kernel."""
        return self.page.evaluate(
            f"() => ({function})(({_NOTEBOOK}).sessionContext.session.kernel)"
        )

    def interrupt(self) -> None:
        """What the stop button does."""
        self.kernel("kernel => kernel.interrupt()")

    def restart(self) -> None:
        """Restart the kernel, as the menu does."""
        self.kernel("kernel => kernel.restart()")
        self.wait_ready()

    def save(self) -> Any:
        """Save the notebook; returns it as it is on disk."""
        self.page.evaluate(f"() => ({_NOTEBOOK}).context.save()")
        return self.server.read(self.path)

    def reload(self) -> None:
        """Load the page again; the kernel goes on."""
        self.page.reload(wait_until="domcontentloaded", timeout=_LOAD)
        self.wait_ready()

    # -- ending

    def console_errors(self) -> list[str]:
        """What was logged as an error, but for what the frontends themselves always log."""
        return [error for error in self.errors if not any(each.search(error) for each in ALLOWED)]

    def close(self) -> None:
        if self._themed:
            self.theme("light")  # it is the server's setting, and other pages would have it
        self.page.close()
        if self.path:
            self.server.end_kernel(self.path)


OpenNotebook = Callable[..., NotebookPage]
