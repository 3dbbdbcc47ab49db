"""Text from sandboxes, made harmless for where it is shown."""

from nbfaas.pictures.text import markup, plain

__all__ = ["markup", "plain"]
