"""The browser's side of widgets, as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbfaas.notebook.widgets import assets

SCRIPTS = sorted(assets.STATIC.rglob("*.js"))
SHEETS = sorted(assets.STATIC.rglob("*.css"))

# What makes elements or code of text.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
    r"|setHTML|srcdoc|\beval\(|new Function|dangerously"
)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_script_makes_markup_or_code_of_text(file: Path) -> None:
    assert not MARKUP.findall(file.read_text("utf-8"))


@pytest.mark.parametrize("file", [*SCRIPTS, *SHEETS], ids=lambda file: file.name)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text("utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert "@import" not in file.read_text("utf-8")


def test_a_script_is_one_module_with_what_it_imports_before_it() -> None:
    module = assets.script("view.js")
    assert not re.search(r"^import ", module, re.MULTILINE)
    assert module.count("function el(") == 1
    assert module.index("// dom.js") < module.index("// view.js")
    assert not re.search(r"^export (?!default)", module, re.MULTILINE)


def test_a_script_that_several_import_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = a;\n')
    (tmp_path / "c.js").write_text(
        'import {\n  a,\n} from "./a.js";\nimport { b } from "./b.js";\nexport default { a, b };\n'
    )
    (tmp_path / "base.css").write_text(".base {}")
    (tmp_path / "b.css").write_text(".b {}")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    assets.script.cache_clear()
    assets.style.cache_clear()
    assert assets.script("c.js").split("\n") == [
        *("// a.js", "const a = 1;", ""),
        *("// b.js", "const b = a;", ""),
        *("// c.js", "export default { a, b };", ""),
    ]
    assert assets.style("c.js") == ".base {}\n.b {}"
    assets.script.cache_clear()
    assets.style.cache_clear()
