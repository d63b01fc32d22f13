"""Export everything by or about a subject as JSON lines."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.decisions.exports import decisions_of
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction, whole_tenant
from memory.ports import exporters
from memory.subjects.queries import find_subject
from memory.subjects.statements import CHANGES_BY_PERSON
from memory.subjects.types import Subject, SubjectKind
from memory.transfer.exporting import export_memories

MAX_CHANGES = 100_000


def export_lines(*, organisation: UUID, kind: SubjectKind, subject: str) -> Iterator[bytes]:
    """Yield a subject's data, each line with its `type`: header, memory, change, decision, what other apps export, end.

    Memories have all their versions; a change is one that the subject made to another memory. The last line has the number of lines
    by type, and of memories that the caller may not see, so that a reader can tell a complete file.

    Args:
        organisation: the tenant.
        kind: how the subject is named.
        subject: its id.
    """
    with tenant_transaction(organisation):
        found = find_subject(organisation=organisation, kind=kind, subject=subject)
    with whole_tenant(organisation):
        whole = find_subject(organisation=organisation, kind=kind, subject=subject)
    counts: dict[str, int] = {}
    yield _line(
        "header",
        {
            "organisation": str(organisation),
            "subject": {"kind": str(kind), "id": subject},
            "exported_at": timezone.now().isoformat(),
        },
    )
    for name, data in _data(organisation, found):
        counts[name] = counts.get(name, 0) + 1
        yield _line(name, data)
    withheld = len(set(whole.memories) - set(found.memories))
    yield _line("end", {"counts": counts, "withheld_memories": withheld})


def _data(organisation: UUID, subject: Subject) -> Iterator[tuple[str, dict[str, Any]]]:
    stored_by: set[UUID] = set()
    for memory in export_memories(organisation=organisation, memories=subject.memories):
        yield "memory", memory
    for change in _changes(organisation, subject):
        if change["decision_id"]:
            stored_by.add(UUID(change["decision_id"]))
        yield "change", change
    decisions = decisions_of(
        organisation=organisation, person=subject.person, memories=subject.memories, more=sorted(stored_by)
    )
    for decision in decisions:
        yield "decision", decision
    for name, export in exporters().items():
        for each in export(organisation, subject.person):
            yield name, each


def _changes(organisation: UUID, subject: Subject) -> list[dict[str, Any]]:
    values = {"organisation": organisation, **subject.person.values}
    values |= {"memories": list(subject.memories), "limit": MAX_CHANGES}
    with tenant_transaction(organisation), raw_cursor() as cursor:
        rows = cursor.execute(CHANGES_BY_PERSON, values).fetchall()
    return [
        {
            "id": str(id_),
            "memory_id": str(memory),
            "version": version,
            "operation": operation,
            "reason": reason,
            "recorded_at": at.isoformat(),
            "decision_id": str(decision) if decision else None,
        }
        for id_, memory, version, operation, reason, at, decision in rows
    ]


def _line(name: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": name} | data, ensure_ascii=False).encode() + b"\n"
