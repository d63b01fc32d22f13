"""Coded errors of spaces; the docstring is the default message."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound


class SpaceNotFound(NotFound):
    """Space not found."""


class VersionNotFound(NotFound):
    """Version not found in this space."""


class ConceptNotFound(NotFound):
    """Concept not found in this space."""


class RelationNotFound(NotFound):
    """Relation not found in this space."""


class NotAMember(NotFound):
    """The memory is not a member of this space."""


class NameTaken(Conflict):
    """This name is already in use."""


class SpaceChanged(Conflict):
    """The space was changed concurrently; read it again and retry."""


class PositionsNotReady(Conflict):
    """The positions of this version are not available: they are still being built, or are no longer kept."""


class InvalidDimension(InvalidInput):
    """The dimension is invalid."""


class UnknownDimension(InvalidInput):
    """The space has no dimension of this name."""


class UnknownConcept(InvalidInput):
    """The space has no concept of this name."""


class UnknownMemory(InvalidInput):
    """Memory not found."""


class InvalidConcept(InvalidInput):
    """A concept needs a prototype, examples or a text with a value on a dimension of weight above 0."""


class CyclicRelation(InvalidInput):
    """The relation would create a cycle."""
