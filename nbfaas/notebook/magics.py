"""``%%faas`` and ``%faas``."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from nbfaas.notebook.cell_options import CellOptions, parse_cell_options
from nbfaas.notebook.cell_run import (
    cell_function,
    explained,
    pull_into,
    start,
)
from nbfaas.notebook.cell_source import CellSource
from nbfaas.notebook.commands import overview, run_command
from nbfaas.remote.cell_value import TextValue, value_of
from nbfaas.remote.decorator import register
from nbfaas.remote.function import HandlerFunction, RemoteFunction


@magics_class
class FaasMagics(Magics):
    """The magics of nbfaas."""

    _last_cell: RemoteFunction[Any, Any] | None = None

    @magic_arguments("%faas")
    @argument("--image", "--runtime", metavar="R", help="A runtime, a Docker image, or a variable "
              "that holds an nbfaas.Image.")  # fmt: skip
    @argument("--cpu", metavar="N", type=float, help="Cores.")
    @argument("--memory", metavar="M", help="Such as 512MB or 2GB.")
    @argument("--timeout", metavar="S", type=float, help="Seconds for one attempt.")
    @argument("--env", metavar="K=V", nargs="+", action="extend", default=[],
              help="Environment variables.")  # fmt: skip
    @argument("--secret", metavar="NAME", nargs="+", action="extend", default=[],
              help="Variables of this kernel's environment that become context.secrets; with "
              "--name.")  # fmt: skip
    @argument("--volume", metavar="TARGET=SOURCE", nargs="+", action="extend", default=[],
              help="Folders or named volumes: /data=./data:ro.")  # fmt: skip
    @argument("--network", action="store_true", help="Allow network access.")
    @argument("--isolation", metavar="HOW", help="reuse (default), or call: a fresh process.")
    @argument("--retries", metavar="N", type=int, help="Retries after a failed attempt.")
    @argument("--trust", metavar="MODULE", nargs="+", action="extend", default=[],
              help="Modules whose types may come back as values.")  # fmt: skip
    @argument("--pull", metavar="NAME", nargs="+", action="extend", default=[],
              help="Variables to bring back from the cell.")  # fmt: skip
    @argument("--no-block", action="store_true", help="Return at once, with the call as value. "
              "Not with --pull.")  # fmt: skip
    @argument("-o", "--output", metavar="NAME", help="A variable for the cell's value, or, with "
              "--no-block, for the call.")  # fmt: skip
    @argument("--name", metavar="NAME", help="Run nothing; define the function NAME from the cell, "
              "whose handler(event, context) is called.")  # fmt: skip
    @cell_magic("faas")
    def faas_cell(self, line: str, cell: str) -> Any:
        """Run the cell once, in a sandbox.

        The variables that the cell reads are sent along as copies; those it sets stay in the
        sandbox, unless --pull brings them back. The value of the last expression is the cell's
        output, as ever; a semicolon at its end hides it.
        """
        options = parse_cell_options(self.faas_cell.parser, line, self.shell.user_ns)
        source = CellSource(self.shell, cell)
        source.check_functions(self.shell.user_ns)
        if options.name:
            return self._define(options, source)
        return self._run(options, source)

    def _define(self, options: CellOptions, source: CellSource) -> HandlerFunction:
        source.check_handler()
        assert options.name is not None
        function = HandlerFunction(source.text, source.filename, options.function, options.name)
        self.shell.user_ns[options.name] = register(function)
        return function

    def _run(self, options: CellOptions, source: CellSource) -> Any:
        namespace, trust = self.shell.user_ns, options.function.trust
        names = source.names_from(namespace, self.shell.user_ns_hidden)
        function, data = cell_function(source, names, options.function)
        arguments = (source.text, source.filename, data, options.pull)
        with explained(names):
            self._let_go(function)
            if not options.block:
                call = start(function, arguments)
                if options.output:
                    namespace[options.output] = call
                return call
            answer = function.remote(*arguments)
        value = value_of(answer, trust)
        if options.output:
            namespace[options.output] = value
        pull_into(namespace, options.pull, answer, trust)
        if isinstance(value, TextValue):
            print(f"nbfaas: the value is shown as text: {value.reason}.", file=sys.stderr)
        return value

    def _let_go(self, function: RemoteFunction[Any, Any]) -> None:
        """Sandboxes of the last cell are of no use to one with other code or options."""
        last, self._last_cell = self._last_cell, function
        if last is not None and last.version().digest != function.version().digest:
            last.retire()

    @line_magic("faas")
    def faas_line(self, line: str) -> Any:
        words = line.split(None, 1)
        if not words or words[0] in ("-h", "--help"):
            print(overview())
            return None
        return run_command(words[0], words[1] if len(words) > 1 else "")


FaasMagics.faas_line.__doc__ = overview()
