"""Check before a store which rows to refuse, and which to flag as candidates."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from memory.analysis.value_keys import origin_key, value_keys
from memory.index.writes import Row
from memory.policy_types import Refuse, RejectedInside, Wanted
from memory.rejection.containment import find_held
from memory.rejection.statements import FIND_ERASED, FIND_IMPORTED, FIND_MEMORIES
from memory.rejection.tombstones import ValueRejected, find_rejections
from memory.types import LIVING, EmbeddingState, Outcome, Rejection, Stored, TrustState


@dataclass(frozen=True, slots=True)
class Vetted:
    """The result of a check.

    Attributes:
        refused: rows not to write, with their results.
        flagged: rows to write as candidates, with the rejection whose value they contain.
    """

    refused: dict[UUID, Stored]
    flagged: dict[UUID, Rejection]


def vet(organisation: UUID, rows: Sequence[Row], *, imported: bool = False) -> Vetted:
    """Check rows before a store.

    If several reasons apply, the first of these is reported: a secret, a rejected value, an erased id, an existing id, an unknown source.
    """
    # imported rows that are already rejected bring nothing back
    asked = [row for row in rows if row.state is not TrustState.REJECTED]
    scopes = {row.id: row.draft.scope for row in asked}
    found = find_rejections(organisation, {row.id: row.keys for row in asked}, scopes)
    rejections = dict(found.rejections)
    texts = {row.id: row.draft.content for row in asked if row.id not in rejections} if found.anchors else {}
    policy, held = find_held(organisation, texts, found.anchors, scopes)
    if policy is RejectedInside.REFUSE:
        rejections |= held
    # only living rows need to become candidates
    living = {row.id for row in rows if row.state in LIVING}
    flagged = {row: each for row, each in held.items() if policy is RejectedInside.FLAG and row in living}
    refused = {
        row: Stored(rejection.memory, Outcome.REJECTED, EmbeddingState.PENDING, rejection)
        for row, rejection in rejections.items()
    }
    refused |= {
        row.id: Stored(row.id, Outcome.SECRET, EmbeddingState.PENDING, secrets=row.secrets)
        for row in rows
        if row.secrets is not None and row.secrets.is_refused
    }
    for row in _erased(organisation, rows, imported=imported):
        refused.setdefault(row, Stored(row, Outcome.ERASED, EmbeddingState.PENDING))
    for row, stored in _present(organisation, rows).items():
        refused.setdefault(row, stored)
    for row, field in _without_source(organisation, rows, refused).items():
        refused.setdefault(row, Stored(row, Outcome.UNKNOWN_SOURCE, EmbeddingState.PENDING, field=field))
    return Vetted(refused, flagged)


def vet_text(organisation: UUID, row: Row) -> Rejection | None:
    """Check a memory's new text; return the rejection that flags it, if any.

    Raises:
        ValueRejected: the text is a rejected value, or contains one and the policy is to refuse.
    """
    scopes = {row.id: row.draft.scope}
    found = find_rejections(organisation, {row.id: row.keys}, scopes)
    for rejection in found.rejections.values():
        raise ValueRejected(rejection)
    policy, held = find_held(organisation, {row.id: row.draft.content}, found.anchors, scopes)
    inside = held.get(row.id)
    if inside is not None and policy is RejectedInside.REFUSE:
        raise ValueRejected(inside)
    return inside if policy is RejectedInside.FLAG else None


def vet_value(organisation: UUID, *, memory: UUID, text: str, scope: int) -> None:
    """Check whether a memory's text may be in another access scope.

    Raises:
        ValueRejected: its value is rejected there.
    """
    found = find_rejections(organisation, {memory: value_keys(organisation, text)}, {memory: scope})
    for rejection in found.rejections.values():
        raise ValueRejected(rejection)


def _present(organisation: UUID, rows: Sequence[Row]) -> dict[UUID, Stored]:
    imported = [row for row in rows if row.draft.past is not None]
    if not imported:
        return {}
    values = [[row.id for row in imported], [row.draft.content for row in imported], organisation]
    with raw_cursor() as cursor:
        found = cursor.execute(FIND_IMPORTED, values).fetchall()
    return {
        id_: Stored(id_, Outcome.UNCHANGED if same else Outcome.CONFLICT, EmbeddingState(embedding))
        for id_, embedding, same in found
    }


def _erased(organisation: UUID, rows: Sequence[Row], *, imported: bool) -> list[UUID]:
    """Return the rows whose imported id was erased, or whose external id was erased and is refused by policy."""
    ids = {row.id for row in rows if row.draft.past is not None}
    origins = {
        row.id: origin_key(organisation, row.draft.source, row.draft.external_id)
        for row in rows
        if row.draft.external_id
    }
    if not ids and not origins:
        return []
    with raw_cursor() as cursor:
        found = cursor.execute(FIND_ERASED, [organisation, list(ids), list(origins.values())]).fetchall()
    if not found:
        return []
    policy = Refuse(found[0][3] or Wanted().refuse_erased_ids)
    gone_ids = {row[0] for row in found} & ids
    # as external ids, these count within their scope, and the organisation's for all
    gone = {(bytes(row[1]), row[2]) for row in found if row[1] is not None}

    def is_refused(row: Row) -> bool:
        origin = origins.get(row.id)
        was_erased = origin is not None and bool(
            gone & {(origin, ORGANISATION_SCOPE), (origin, row.draft.scope)}
        )
        comes_back = was_erased and policy is not Refuse.NEVER
        return row.id in gone_ids or (comes_back and (policy is Refuse.ALWAYS or imported or row.id in ids))

    return [row.id for row in rows if is_refused(row)]


def _without_source(organisation: UUID, rows: Sequence[Row], refused: Container[UUID]) -> Mapping[UUID, str]:
    """Return the rows that name a memory that does not exist, each with the field that names it."""
    wanted = {target for row in rows for target in row.draft.named}
    if not wanted:
        return {}
    with raw_cursor() as cursor:
        known = {row[0] for row in cursor.execute(FIND_MEMORIES, [organisation, list(wanted)]).fetchall()}
    # an import may contain a source along with memories derived from it, unless the source is refused
    coming = {row.id for row in rows if row.draft.past is not None and row.id not in refused}
    without: dict[UUID, str] = {}
    while True:
        new: dict[UUID, str] = {}
        for row in rows:
            if row.id in without:
                continue
            missing = [
                each
                for each in row.draft.named
                if each not in known and (each not in coming or each == row.id)
            ]
            if missing:
                is_source = any(each in row.draft.derived_from for each in missing)
                new[row.id] = "derived_from" if is_source else "links"
        if not new:
            return without
        # memories derived from these lack their source too
        coming -= new.keys()
        without |= new
