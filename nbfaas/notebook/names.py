"""Which names a cell needs from the notebook: those it may read before it has defined them."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable
from types import CodeType

_COMPOUND = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def free_names(tree: ast.Module) -> set[str]:
    """The names that the cell may read before it has surely defined them, builtins included.

    In doubt a name is free: what is shipped without need costs some bytes, what is missing breaks
    the cell. Names that only ``eval`` or ``globals()`` would find are not seen.
    """
    flow = _Flow(set(), set())
    flow.run(tree.body)
    return flow.free


class _Flow(ast.NodeVisitor):
    """Follows the module level of a cell; ``bound`` are the names that are surely defined here."""

    def __init__(self, bound: set[str], free: set[str]) -> None:
        self.bound = bound
        self.free = free

    def run(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def branch(self, *parts: Iterable[ast.AST | None]) -> set[str]:
        """Follow a way that may not be taken; return what is bound at its end."""
        way = _Flow(set(self.bound), self.free)
        for part in parts:
            way.run(part)
        return way.bound

    # -- names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.bound.add(node.id)
        elif node.id not in self.bound:
            self.free.add(node.id)
            if isinstance(node.ctx, ast.Del):
                self.bound.discard(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.run([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.run([node.annotation, node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id not in self.bound:
            self.free.add(node.target.id)
        self.run([node.value, node.target])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)  # whether it is reached, as in `a and (b := c)`, is not looked at

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.bound.add(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815 - named by ast

    # -- ways

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self.bound |= self.branch(node.body) & self.branch(node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.branch([node.target], node.body)
        self.branch(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815 - named by ast

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self.branch(node.body)
        self.branch(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.run([item.context_expr, item.optional_vars])
        self.run(node.body)

    visit_AsyncWith = visit_With  # noqa: N815 - named by ast

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        ends = self.branch(node.body, node.orelse)
        for handler in node.handlers:
            way = _Flow(set(self.bound), self.free)
            way.run([handler.type])
            if handler.name:
                way.bound.add(handler.name)
            way.run(handler.body)
            ends &= way.bound - {handler.name}
        self.bound |= ends
        self.run(node.finalbody)

    visit_TryStar = visit_Try  # noqa: N815 - named by ast

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            way = _Flow(set(self.bound), self.free)
            way.visit(case.pattern)
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    way.bound.add(name)
            way.run([case.guard, *case.body])

    # -- scopes of their own: what is global in them is told by the compiler

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, _COMPOUND):
            self._deferred(_globals_of(ast.Module([node], []), "exec") - {node.name})
            self.bound.add(node.name)
        elif isinstance(node, _SCOPES):
            self._deferred(_globals_of(ast.Expression(node), "eval"))
        else:
            super().visit(node)

    def _deferred(self, names: set[str]) -> None:
        self.free |= names - self.bound


def _globals_of(tree: ast.Module | ast.Expression, mode: str) -> set[str]:
    code = compile(tree, "<cell>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return set(_reads(code))


def _reads(code: CodeType) -> Iterable[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in _LOADS:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reads(constant)


_LOADS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
