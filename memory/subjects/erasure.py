"""Erase everything by or about a subject, with one receipt and one entry in the log."""

from uuid import UUID

from accountability.queries import has_payloads_by
from liftos.kernel.db.transactions import raw_cursor, read_value, whole_tenant
from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.analysis.value_keys import origin_key
from memory.erasure.operations import Erased, erase_rows
from memory.erasure.receipts import Receipt
from memory.models import Memory
from memory.ports import exporters
from memory.subjects.queries import find_subject
from memory.subjects.statements import COUNT_CHANGES, DELETE_BULK_JOBS, DELETE_CHUNKS, DELETE_DOCUMENT_JOBS
from memory.subjects.types import Subject, SubjectKind

CHANGES = "changes to other memories by the person"


class SubjectNotFound(NotFound):
    """Nothing is stored by or about this subject."""

    code = "memory.subject_not_found"


def erase_subject(
    *, organisation: UUID, by: Actor, kind: SubjectKind, subject: str, reason: str = ""
) -> Receipt:
    """Erase a subject's memories of all scopes with their versions, and its decisions' payloads, runs and jobs, in one transaction.

    Kept are the facts of decisions (who, when, about what), which the log's leaves hash, and changes to memories that are not the
    subject's; the receipt counts both.

    Args:
        organisation: the tenant.
        by: the actor.
        kind: how the subject is named.
        subject: its id.
        reason: for the decision.

    Raises:
        SubjectNotFound: nothing is left to erase.
    """
    with observe_operation("memory.delete", organisation=str(organisation)), whole_tenant(organisation):
        found = find_subject(organisation=organisation, kind=kind, subject=subject)
        rows = list(
            Memory.objects.filter(organisation_id=organisation, id__in=found.memories, head=None)
            .order_by("id")
            .select_for_update()
        )
        values = {"organisation": organisation, **found.person.values}
        with raw_cursor() as cursor:
            cursor.execute(DELETE_CHUNKS, values)
            jobs = cursor.execute(DELETE_BULK_JOBS, values).rowcount
            jobs += cursor.execute(DELETE_DOCUMENT_JOBS, values).rowcount
        if not (
            rows or jobs or has_payloads_by(organisation=organisation, person=found.person)
        ) and not _has_more(organisation, found):
            raise SubjectNotFound
        changes = read_value(COUNT_CHANGES, values | {"memories": [row.id for row in rows]})
        # the record names nobody; whoever knows the id can find it by its key
        key = origin_key(organisation, f"subject {kind}", subject).hex()
        return erase_rows(
            organisation,
            by,
            rows,
            reason,
            of=Erased(str(kind), key, found.person, {"jobs": jobs}, {CHANGES: changes} if changes else {}),
        )


def _has_more(organisation: UUID, subject: Subject) -> bool:
    return any(
        next(iter(export(organisation, subject.person)), None) is not None for export in exporters().values()
    )
