"""Widgets: calls, maps, the dashboard and the simulator, live in JupyterLab and Notebook 7.

``base.FaasWidget`` is what they share; the browser's side is in ``static``, plain modules and style
sheets without a build step.
"""
