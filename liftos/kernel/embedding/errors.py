"""What can go wrong while embedding."""

from liftos.kernel.errors import Conflict, Unavailable


class EmbedderUnavailable(Unavailable):
    """The embedding model can't be reached just now."""

    code = "embedding.unavailable"


class DimensionMismatch(Conflict):
    """The embedding has another number of dimensions than the model it is said to come from."""

    code = "embedding.dimension_mismatch"
