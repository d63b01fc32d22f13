"""Find what is by or about a subject, inside the caller's tenant transaction."""

from decimal import Decimal
from uuid import UUID

from liftos.kernel.db.transactions import read_column
from liftos.kernel.erasure.types import Person
from liftos.kernel.tenancy.queries import actors_of_principal
from memory.analysis.attributes import number_key, text_mark
from memory.analysis.entities import name_key
from memory.subjects.statements import (
    MEMORIES_BY_PERSON,
    MEMORIES_MENTIONING,
    MEMORIES_NAMING_USER,
    MEMORIES_OF_PRINCIPAL,
)
from memory.subjects.types import Subject, SubjectKind


def find_subject(*, organisation: UUID, kind: SubjectKind, subject: str) -> Subject:
    """Return a subject with its memories, as far as they are visible here.

    | kind | its memories |
    |---|---|
    | user | stored on behalf of the user, or with it as `user_id` in the metadata |
    | principal | stored by the principal's keys or as a member of staff, or that only it sees; for any other name, stored by the actor with that id |
    | entity | that mention the entity |

    Args:
        organisation: the tenant.
        kind: how the subject is named.
        subject: its id.
    """
    person, found = Person(), set[UUID]()
    if kind is SubjectKind.ENTITY:
        values = {"organisation": organisation, "key": name_key(subject)}
        found.update(read_column(MEMORIES_MENTIONING, values))
    else:
        if kind is SubjectKind.USER:
            person = Person(users=(subject,))
            number = Decimal(subject) if subject.isascii() and subject.isdigit() else None
            key = None if number is None else number_key(number)
            values = {
                "organisation": organisation,
                "text": text_mark(subject),
                "number": number,
                "number_key": key,
            }
            found.update(read_column(MEMORIES_NAMING_USER, values))
        else:
            principal, actors, staff = actors_of_principal(organisation=organisation, named=subject)
            person = Person(actors=actors, staff=staff)
            values = {"organisation": organisation, "principal": principal}
            found.update(read_column(MEMORIES_OF_PRINCIPAL, values))
        found.update(read_column(MEMORIES_BY_PERSON, {"organisation": organisation, **person.values}))
    return Subject(kind, subject, person, tuple(sorted(found)))
