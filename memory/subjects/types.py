"""Whose data are exported or erased. No Django."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from liftos.kernel.erasure.types import Person

MAX_SUBJECT = 300
"""Characters of a subject's id."""


class SubjectKind(StrEnum):
    """The kind of name by which a subject is known."""

    USER = "user"
    PRINCIPAL = "principal"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, or whatever else memories are by or about.

    Attributes:
        kind: how it is named.
        id: the user id that callers claim, the principal's name, id or actor id, or the entity's name.
        person: the names by which rows tell that it acted.
        memories: by or about it, ids ascending.
    """

    kind: SubjectKind
    id: str
    person: Person
    memories: tuple[UUID, ...]
