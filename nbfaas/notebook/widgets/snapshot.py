"""What still pictures of widgets are drawn with."""

from nbfaas.pictures.drawing import COLOURS, GLYPHS, bar, frame, grid, page, table

__all__ = ["COLOURS", "GLYPHS", "bar", "frame", "grid", "page", "table"]
