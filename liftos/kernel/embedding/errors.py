"""Errors of embedding."""

from liftos.kernel.errors import Conflict, Unavailable


class EmbedderUnavailable(Unavailable):
    """The embedding model is temporarily unavailable."""

    code = "embedding.unavailable"


class DimensionMismatch(Conflict):
    """The embedding's number of dimensions differs from its model's."""

    code = "embedding.dimension_mismatch"
