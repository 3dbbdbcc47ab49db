"""``python -m nbfaas``: the command line, of this very interpreter."""

from __future__ import annotations

from nbfaas.cli import main

if __name__ == "__main__":
    main(prog_name="nbfaas")
