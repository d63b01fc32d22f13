"""Export an organisation's memories in batches, in the order they were stored."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.tenancy.models import PrincipalRecord
from memory.analysis.passages import marks_of
from memory.index.bulk_reads import read_own_vectors
from memory.index.passage_rows import StoredPassage, read_passages
from memory.models import Memory, MemoryLink, MemoryVersion
from memory.transfer.format import KIND, VERSION, line_of, pack_vector
from memory.transfer.parts import read_parts
from memory.transfer.statements import COUNT_MEMORIES
from memory.types import LinkKind
from memory.visibility import as_json

BATCH = 500


def count_memories(*, organisation: UUID, after: UUID | None = None) -> int:
    """Return the number of memories to export."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(COUNT_MEMORIES, (organisation, after, after)).fetchone()
    return row[0] if row else 0


def header_line(*, organisation: UUID, model: ModelInfo | None) -> str:
    """Return the header line of an export."""
    header: dict[str, Any] = {"liftos": KIND, "version": VERSION, "organisation": str(organisation)}
    if model is not None:
        header |= {"model": model.name, "model_version": model.version, "dimension": model.dimension}
    return json.dumps(header | {"exported_at": timezone.now().isoformat()})


def export_memories(*, organisation: UUID, memories: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    """Yield memories with all their versions, as far as the caller may see them; each batch is read in its own transaction."""
    for start in range(0, len(memories), BATCH):
        with tenant_transaction(organisation):
            batch = _read(organisation, None, None, memories[start : start + BATCH])
        for _, fields in batch:
            yield line_of(fields)


def export_lines(*, organisation: UUID, model: int | None, after: UUID | None = None) -> Iterator[list[str]]:
    """Yield the lines of an organisation's memories in batches, each read in its own transaction.

    Memories are exported with all their versions. Memories erased meanwhile are missing from later batches.

    Args:
        organisation: the tenant.
        model: the number of the model whose vectors to export; None for no vectors.
        after: continue after this memory.
    """
    while True:
        with tenant_transaction(organisation):
            batch = _read(organisation, model, after)
        if not batch:
            return
        yield [json.dumps(line_of(fields), ensure_ascii=False) for _, fields in batch]
        after = batch[-1][0]


def _read(
    organisation: UUID, model: int | None, after: UUID | None, among: Sequence[UUID] | None = None
) -> list[tuple[UUID, dict[str, Any]]]:
    """Return a batch of memories with their versions and vectors.

    Repeats the read until no memory's version has changed between its statements; otherwise text, versions and vector could be
    of different versions.
    """
    rows = Memory.objects.filter(organisation_id=organisation, head=None).order_by("id")
    if after is not None:
        rows = rows.filter(id__gt=after)
    if among is not None:
        rows = rows.filter(id__in=among)
    while True:
        batch = list(rows.prefetch_related("links")[:BATCH])
        ids = [row.id for row in batch]
        ended: dict[UUID, list[MemoryVersion]] = {each: [] for each in ids}
        for version in MemoryVersion.objects.filter(organisation_id=organisation, memory_id__in=ids).order_by(
            "memory_id", "version"
        ):
            ended[version.memory_id].append(version)
        heads = Memory.objects.filter(organisation_id=organisation, head__in=ids)
        texts = {(head, version): id_ for head, version, id_ in heads.values_list("head", "version", "id")}
        passages = read_passages(organisation, [*ids, *texts.values()])
        vectors = (
            read_own_vectors(organisation=organisation, model=model, memories=[*ids, *texts.values()])
            if model
            else {}
        )
        now = dict(
            Memory.objects.filter(organisation_id=organisation, id__in=ids).values_list("id", "version")
        )
        if now == {row.id: row.version for row in batch}:
            break
    parts = read_parts(organisation, ids)
    principals = PrincipalRecord.objects.filter(
        organisation_id=organisation, id__in={row.owner for row in batch if row.owner}
    )
    owners = dict(principals.values_list("id", "name"))
    of_text = {named: (vectors.get(id_), _layout(passages.get(id_, ()))) for named, id_ in texts.items()}
    return [
        (
            row.id,
            _fields(row, vectors.get(row.id), owners)
            | parts.get(row.id, {})
            | {
                "layout": _layout(passages.get(row.id, ())),
                "history": [
                    line_of(_past_fields(each, *of_text.get((row.id, each.version), (None, []))))
                    for each in ended[row.id]
                ],
            },
        )
        for row in batch
    ]


def _fields(row: Memory, vector: Any, owners: Mapping[UUID, str]) -> dict[str, Any]:
    links, sources = [], []
    for link in row.links.all():
        fields = _link_fields(row, link)
        if fields == {"kind": LinkKind.DERIVED_FROM, "target": str(link.target_id), "weight": 1.0}:
            # a field of its own: an import requires that sources exist
            sources.append(str(link.target_id))
        else:
            links.append(fields)
    return {
        "id": str(row.id),
        "content": row.given_content,
        "index": row.is_indexed,
        "metadata": row.metadata,
        "memory_type": row.memory_type,
        "source": row.source,
        "external_id": row.external_id or None,
        "tags": row.tags,
        "importance": row.importance,
        "visible_to": as_json(row.organisation_id, row.scope_id),
        "links": links,
        "derived_from": sources,
        "thread": row.thread,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "recorded_at": row.recorded_at.isoformat(),
        "actor": _actor(row),
        "owner": owners.get(row.owner, "") if row.owner else "",
        "state": row.state,
        "superseded_by": str(row.superseded_by) if row.superseded_by else None,
        "version": row.version,
        "changed_at": row.changed_at.isoformat(),
        "vector": None if vector is None else pack_vector(vector),
    }


def _link_fields(row: Memory, link: MemoryLink) -> dict[str, Any]:
    """Return a link as an import reads it."""
    fields: dict[str, Any] = {"kind": link.kind}
    if link.target_external_id:
        fields |= {"external_id": link.target_external_id}
        fields |= {"source": link.target_source} if link.target_source != row.source else {}
    else:
        fields |= {"target": str(link.target_id)}
    fields["weight"] = link.weight
    fields |= {"properties": link.properties} if link.properties else {}
    for name in ("valid_from", "valid_to"):
        moment = getattr(link, name)
        fields |= {name: moment.isoformat()} if moment else {}
    return fields


def _layout(passages: Sequence[StoredPassage]) -> list[dict[str, Any]]:
    """Return the marks by which an import cuts a text into the same passages."""
    marks = marks_of([each.place for each in passages])
    return [
        {"start": mark.start}
        | ({"page": mark.page} if mark.page is not None else {})
        | ({"heading": mark.heading} if mark.heading else {})
        for mark in marks
    ]


def _past_fields(version: MemoryVersion, vector: Any, layout: list[dict[str, Any]]) -> dict[str, Any]:
    names = (
        "version",
        "metadata",
        "memory_type",
        "tags",
        "importance",
        "state",
        "operation",
        "reason",
    )
    return {name: getattr(version, name) for name in names} | {
        "content": version.given_content,
        "valid_from": version.valid_from.isoformat() if version.valid_from else None,
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        "expires_at": version.expires_at.isoformat() if version.expires_at else None,
        "superseded_by": str(version.superseded_by) if version.superseded_by else None,
        "known_from": version.known_from.isoformat(),
        "known_to": version.known_to.isoformat(),
        "layout": layout,
        "actor": _actor(version),
        "vector": None if vector is None else pack_vector(vector),
    }


def _actor(who: Memory | MemoryVersion) -> dict[str, str]:
    actor = {"kind": who.actor_kind, "id": who.actor_id}
    return actor | ({"on_behalf_of": who.on_behalf_of} if who.on_behalf_of else {})
