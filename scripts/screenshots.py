"""Takes the pictures in docs/images/: ``python scripts/screenshots.py [NAME…]``.

Runs notebooks in JupyterLab, in Debian's Chromium, and photographs sections of the first tour, and
each widget in the light and the dark theme (``widget_pictures.py`` says what they show). Names:
``tour``, ``maps``, ``dashboard``, ``simulator``, ``testers``; without one, all. The notebook itself
is not touched. Ends with 1 if a cell failed that should not have, or a picture became too large.
"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any

import chromium
from docker_daemon import NoDocker, ensure
from PIL import Image
from playwright.sync_api import BrowserContext, Error, Locator, sync_playwright
from widget_pictures import SITTINGS

ROOT = Path(__file__).resolve().parent.parent
# The tests of widgets have a server, and a notebook in a browser; they need nbfaas.
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]
JupyterServer: Any = importlib.import_module("running_jupyter").JupyterServer
notebook_page: Any = importlib.import_module("notebook_page")

NOTEBOOK = ROOT / "notebooks" / "01-first-steps.ipynb"
IMAGES = ROOT / "docs" / "images"
# The picture's name; the headings of its first section, and of the one that follows it.
SECTIONS = (
    ("first-steps", "A grid search", "Was it worth it?"),
    ("traceback", "When something goes wrong", "A cell in a container"),
)
RUN_SECONDS = 600  # images may have to be made first
LARGEST = 150_000  # bytes
# So tall that no cell has to be scrolled to.
TALL = {"width": 1000, "height": 6000}
WINDOW = {"width": 1040, "height": 1400}


def main(names: list[str]) -> int:
    try:
        ensure()
        program = chromium.ensure()
    except (NoDocker, chromium.NoChromium) as error:
        sys.exit(f"pictures show real containers in a real browser, but {error}")
    known = ["tour", *SITTINGS]
    if unknown := set(names) - set(known):
        sys.exit(f"there are no pictures named {', '.join(sorted(unknown))}; only {known}")
    IMAGES.mkdir(exist_ok=True)
    problems: list[str] = []
    server = JupyterServer()
    try:
        server.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=notebook_page.OPTIONS
            )
            for name in names or known:
                scale, window = (2.0, TALL) if name == "tour" else (1.25, WINDOW)
                context = browser.new_context(viewport=window, device_scale_factor=scale)
                context.set_default_timeout(60_000)
                problems += tour(context, server) if name == "tour" else sit(name, context, server)
                context.close()
            browser.close()
    finally:
        server.close()
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


def sit(name: str, context: BrowserContext, server: Any) -> list[str]:
    """The pictures of some widgets, in both themes each; what is wrong with them."""
    problems = []
    notebook = notebook_page.NotebookPage(context.new_page(), server, "lab")
    try:
        notebook.open_notebook([SITTINGS[name].setup])
        notebook.run_cell(0, timeout=1000 * RUN_SECONDS)
        for picture, widget in SITTINGS[name].scene(notebook):
            for theme in ("light", "dark"):
                notebook.theme(theme)
                # Not its bar for the keyboard's focus, nor the mouse above a button.
                notebook.page.evaluate("document.activeElement?.blur()")
                notebook.page.mouse.move(0, 0)
                notebook.page.wait_for_timeout(300)
                problems += keep(photograph(widget), IMAGES / f"{picture}-{theme}.png")
            notebook.theme("light")
        problems += [f"{name}: the console says {error}" for error in notebook.console_errors()]
    finally:
        notebook.close()
    return problems


def photograph(widget: Locator) -> bytes:
    """A view that is just drawn anew, because its widget's picture is stored, is waited for."""
    while True:
        try:
            picture: bytes = widget.screenshot()
            return picture
        except Error as error:
            if "not attached" not in error.message:
                raise


def keep(picture: bytes, file: Path) -> list[str]:
    """Write a picture with 256 colours, which hardly anybody can tell from all."""
    with Image.open(io.BytesIO(picture)) as image:
        # By coverage: the red of one small mark matters as much as the grey of all text.
        few = image.convert("RGB").quantize(
            256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
        )
        few.save(file, optimize=True)
        size = image.size
    taken = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {size[0]} x {size[1]} pixels, {taken / 1000:.0f} kB")
    return [f"{file.name} has {taken:,} bytes"] if taken > LARGEST else []


def tour(context: BrowserContext, server: Any) -> list[str]:
    """The sections of the first notebook; what failed, but for where the cell says that it will."""
    notebook = notebook_page.NotebookPage(context.new_page(), server, "lab")
    try:
        notebook.open_file(NOTEBOOK)
        failed: list[str] = notebook.run_all(timeout=1000 * RUN_SECONDS)
        problems = [f"a cell failed: {each}" for each in failed]
        for name, first, following in SECTIONS:
            clip = section(notebook.page, first, following)
            problems += keep(notebook.page.screenshot(clip=clip), IMAGES / f"{name}.png")
    finally:
        notebook.close()
    return problems


def section(page: Any, first: str, following: str) -> Any:
    """Where the cells are from the one with the heading ``first`` to before ``following``."""
    return page.evaluate(
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
