"""Images: what sandboxes are started from. Only this package and ``backends`` use the docker SDK.

``Image`` and ``to_spec`` say what is wanted and load quickly; ``nbfaas.images.builder`` makes it.
"""

from nbfaas.images.image import Image, to_spec

__all__ = ["Image", "to_spec"]
