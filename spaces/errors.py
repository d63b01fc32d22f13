"""What can be wrong with what is asked of a space."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound


class SpaceNotFound(NotFound):
    """There is no such space."""

    code = "spaces.space_not_found"


class VersionNotFound(NotFound):
    """The space has no such version."""

    code = "spaces.version_not_found"


class ConceptNotFound(NotFound):
    """There is no such concept in this space."""

    code = "spaces.concept_not_found"


class RelationNotFound(NotFound):
    """There is no such relation in this space."""

    code = "spaces.relation_not_found"


class NotAMember(NotFound):
    """The memory is not a member of this space."""

    code = "spaces.not_a_member"


class NameTaken(Conflict):
    """There is another of this name."""

    code = "spaces.name_taken"


class SpaceChanged(Conflict):
    """The space was changed at the same moment; look at it again."""

    code = "spaces.space_changed"


class PositionsNotReady(Conflict):
    """The positions of this version are not there: they are still being made, or no longer kept."""

    code = "spaces.positions_not_ready"


class InvalidDimension(InvalidInput):
    """A dimension can't be used."""

    code = "spaces.invalid_dimension"


class UnknownDimension(InvalidInput):
    """The space has no dimension of this name."""

    code = "spaces.unknown_dimension"


class UnknownConcept(InvalidInput):
    """The space has no concept of this name."""

    code = "spaces.unknown_concept"


class UnknownMemory(InvalidInput):
    """There is no such memory."""

    code = "spaces.unknown_memory"


class InvalidConcept(InvalidInput):
    """A concept must have a prototype, examples or a text that say something on a dimension."""

    code = "spaces.invalid_concept"


class CyclicRelation(InvalidInput):
    """The relation would lead from a concept back to itself."""

    code = "spaces.cyclic_relation"
