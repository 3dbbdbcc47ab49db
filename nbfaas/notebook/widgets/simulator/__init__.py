"""The event simulator: make up events, send them, and see what becomes of them.

``widget.Simulator`` is what ``%faas simulate`` shows; ``nbfaas.events`` does the same without it.
"""

from nbfaas.notebook.widgets.simulator.opening import simulate
from nbfaas.notebook.widgets.simulator.widget import Simulator

__all__ = ["Simulator", "simulate"]
