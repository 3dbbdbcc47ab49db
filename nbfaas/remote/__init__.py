"""What users hold: ``@remote``, functions, calls and runs."""
