"""Which names a cell needs from the notebook."""

from __future__ import annotations

import ast
import textwrap

import pytest

from nbfaas.notebook.cell_source import import_statements
from nbfaas.notebook.names import free_names


def needed(code: str) -> set[str]:
    return free_names(ast.parse(textwrap.dedent(code)))


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("print(a)", {"print", "a"}),
        ("a = 1; a", set()),
        ("a = a + 1", {"a"}),
        ("a += 1", {"a"}),
        ("a: int = 1; a", {"int"}),
        ("a: int\na", {"int", "a"}),
        ("a.b = 1", {"a"}),
        ("a[i] = v", {"a", "i", "v"}),
        ("del a", {"a"}),
        ("import os.path as p, sys; p, sys, os", {"os"}),
        ("from m import x as y; x, y", {"x"}),
        ("(a, *b), c = d; a, b, c", {"d"}),
        ("f'{a:{w}}'", {"a", "w"}),
        ("a and (b := c); b", {"a", "b", "c"}),
    ],
)
def test_a_statement_needs_what_it_reads_first(code, names):
    assert needed(code) == names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("if c: a = 1\na", {"c", "a"}),
        ("if c: a = 1\nelse: a = 2\na", {"c"}),
        ("for i in xs: i\n", {"xs"}),
        ("for i in xs: last = i\nlast", {"xs", "last"}),
        ("while c: a = 1\na", {"c", "a"}),
        ("with f() as h: t = h\nt", {"f"}),
        ("try: a = 1\nexcept E as e: a = e\na", {"E"}),
        ("try: a = 1\nexcept E: pass\na", {"E", "a"}),
        ("try: a = 1\nfinally: b = 2\na, b", set()),
        ("match v:\n case {'k': k, **rest}: k, rest\n case [x, *y] if x: y", {"v"}),
    ],
)
def test_what_is_defined_on_some_ways_only_is_needed(code, names):
    assert needed(code) == names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a, b=c): return a + d\nf(1)", {"c", "d"}),
        ("def f(n): return f(n - 1)", set()),
        ("@dec\ndef f(): x = 1; return x", {"dec"}),
        ("def f():\n def g(): return deep\n return g", {"deep"}),
        ("def f():\n global a\n a = 1\n return a", {"a"}),
        ("lambda x: x + k", {"k"}),
        ("[x + k for x in xs if x]", {"k", "xs"}),
        ("class A(Base):\n y = z\n def m(self): return w", {"Base", "z", "w", "__name__"}),
        ("later = 1\ndef f(): return later", set()),
        ("def f(): return later\nlater = 1", {"later"}),
        ("await g(x)", {"g", "x"}),
    ],
)
def test_functions_and_classes_need_what_is_global_in_them(code, names):
    assert needed(code) == names


def test_the_imports_of_a_cell_are_told_with_those_that_may_fail():
    tree = ast.parse(
        textwrap.dedent("""
        import numpy as np, os.path
        from pandas import DataFrame as D, Series
        from stars import *
        def f():
            import inner
        try:
            import ujson as json
        except ImportError:
            import json
        """)
    )
    text = import_statements(tree)
    compile(f"def imports():\n {text}", "<imports>", "exec")
    for line in (
        "import numpy",
        "import os.path",
        "from pandas import DataFrame, Series",
        "import stars",
        "import inner",
        "try: import ujson\n except ImportError: pass",
    ):
        assert line in text
