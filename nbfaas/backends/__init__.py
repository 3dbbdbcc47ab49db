"""Backends: where sandboxes live. ``base`` says what one provides; the others provide it."""
