"""The notebook: magics, progress, tracebacks. Only this package uses IPython."""
