"""Coded errors of spaces; the docstring is the default message."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound


class SpaceNotFound(NotFound):
    """Space not found."""

    code = "spaces.space_not_found"


class VersionNotFound(NotFound):
    """Version not found in this space."""

    code = "spaces.version_not_found"


class ConceptNotFound(NotFound):
    """Concept not found in this space."""

    code = "spaces.concept_not_found"


class RelationNotFound(NotFound):
    """Relation not found in this space."""

    code = "spaces.relation_not_found"


class NotAMember(NotFound):
    """The memory is not a member of this space."""

    code = "spaces.not_a_member"


class NameTaken(Conflict):
    """This name is already in use."""

    code = "spaces.name_taken"


class SpaceChanged(Conflict):
    """The space was changed concurrently; read it again and retry."""

    code = "spaces.space_changed"


class PositionsNotReady(Conflict):
    """The positions of this version are not available: they are still being built, or are no longer kept."""

    code = "spaces.positions_not_ready"


class InvalidDimension(InvalidInput):
    """The dimension is invalid."""

    code = "spaces.invalid_dimension"


class UnknownDimension(InvalidInput):
    """The space has no dimension of this name."""

    code = "spaces.unknown_dimension"


class UnknownConcept(InvalidInput):
    """The space has no concept of this name."""

    code = "spaces.unknown_concept"


class UnknownMemory(InvalidInput):
    """Memory not found."""

    code = "spaces.unknown_memory"


class InvalidConcept(InvalidInput):
    """A concept needs a prototype, examples or a text with a value on a dimension of weight above 0."""

    code = "spaces.invalid_concept"


class CyclicRelation(InvalidInput):
    """The relation would create a cycle."""

    code = "spaces.cyclic_relation"
