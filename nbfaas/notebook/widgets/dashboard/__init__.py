"""The dashboard: what runs in this kernel, live (``%faas dashboard``)."""

from nbfaas.notebook.widgets.dashboard.widget import Dashboard

__all__ = ["Dashboard"]
