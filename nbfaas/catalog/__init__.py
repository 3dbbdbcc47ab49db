"""The catalog: which functions are deployed, in which versions, and where aliases lead.

``Catalog`` is the file; ``choose`` and ``draw_for`` are the policy of weighted aliases.
"""

from nbfaas.catalog.catalog import Catalog
from nbfaas.catalog.choice import choose, draw_for
from nbfaas.catalog.rows import Alias, Deployment, Move, Pin, Version

__all__ = ["Alias", "Catalog", "Deployment", "Move", "Pin", "Version", "choose", "draw_for"]
