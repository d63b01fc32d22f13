"""Store turns of a conversation: each is a memory in its thread, linked to the turn before it.

The words are stored as they were said. Who said them is in the metadata, as `speaker` and `role`, where search finds it. Writers of one
thread wait for each other, so that its turns form one chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.ids import new_id
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.conversations.statements import LAST_TURN, LOCK_THREAD, STORED_TURNS
from memory.conversations.types import MEMORY_TYPE, SOURCE, StoredTurn, StoredTurns, Turn
from memory.index.writes import Row
from memory.inputs import content_fields
from memory.models import ConversationTurn, Memory
from memory.operations import Prepared, commit, prepare, raise_refusal, refuse_secrets
from memory.types import LinkDraft, LinkKind, MemoryDraft, Outcome, Stored, TrustState, VisibleTo
from memory.visibility import scope_of


@dataclass(frozen=True, slots=True)
class PreparedTurns:
    """Turns ready to commit; `rows` of `prepared` are in their order. Who sees them is one `scope`, whose thread is its own."""

    thread: str
    turns: tuple[Turn, ...]
    prepared: Prepared
    scope: int


def prepare_turns(
    organisation: UUID,
    thread: str,
    turns: Sequence[Turn],
    trust: TrustState = TrustState.ACTIVE,
    visible_to: VisibleTo | None = None,
    *,
    index: bool = True,
) -> PreparedTurns:
    """Analyse and embed turns. Calls the model: don't call inside a transaction.

    Raises:
        InvalidInput: two turns have the same id.
        NotVisible: the caller would not see them.
    """
    seen: set[str] = set()
    for place, turn in enumerate(turns):
        if turn.id and turn.id in seen:
            raise InvalidInput("Two turns have this id.", loc=("turns", place, "id"))
        seen.add(turn.id)
    scope = scope_of(organisation, visible_to)
    drafts = [replace(_draft(thread, turn), scope=scope, index=index) for turn in turns]
    return PreparedTurns(thread, tuple(turns), prepare(organisation, drafts, trust), scope)


def commit_turns(*, organisation: UUID, by: Actor, prepared: PreparedTurns) -> StoredTurns:
    """Write prepared turns at the end of their thread, all or none.

    A turn that was stored before under its id keeps its place.

    Raises:
        ExternalIdTaken: a turn of the thread has one of the ids and other words.
        ValueRejected, MemoryErased: as for a memory.
    """
    rows, thread, scope = prepared.prepared.rows, prepared.thread, prepared.scope
    refuse_secrets(organisation, by, [row.secrets for row in rows])
    with (
        observe_operation("memory.store_turns", organisation=str(organisation), count=len(rows)),
        tenant_transaction(organisation),
    ):
        with raw_cursor() as cursor:
            cursor.execute(LOCK_THREAD, (organisation, thread))
            last = cursor.execute(LAST_TURN, (organisation, thread, scope)).fetchone()
            names = [row.draft.external_id for row in rows]
            places = dict(
                cursor.execute(STORED_TURNS, (organisation, SOURCE, names, thread, scope)).fetchall()
            )
        number, before = last or (0, "")
        linked = []
        for row in rows:
            if row.draft.external_id not in places:
                number += 1
                places[row.draft.external_id] = number
                row, before = _linked(row, before), row.draft.external_id
            linked.append(row)
        stored = commit(
            organisation, by, replace(prepared.prepared, rows=tuple(linked)), operation="memory.store_many"
        )
        for each in stored:
            raise_refusal(each)
        _write_places(organisation, prepared, stored, places)
        states = _states(organisation, stored)
        turns = tuple(
            StoredTurn(
                each.id,
                places[row.draft.external_id],
                each.outcome,
                each.embedding,
                states[each.id],
                each.mark,
            )
            for row, each in zip(rows, stored, strict=True)
        )
        if settings.LIFTOS_EXTRACTOR_URL:
            transaction.on_commit(lambda: send_hint("memory.extract_from_turns", organisation))
    is_new = any(each.outcome is Outcome.STORED for each in turns)
    return StoredTurns(turns, stored[0].decision if is_new else None)


def _draft(thread: str, turn: Turn) -> MemoryDraft:
    speaker = {"speaker": turn.name} if turn.name else {}
    return MemoryDraft(
        **content_fields(turn.content),
        metadata=turn.metadata | speaker | {"role": turn.role},
        memory_type=MEMORY_TYPE,
        source=SOURCE,
        # the length keeps apart what colons in names could mix up; turns without an id get one, so that the next can be linked
        external_id=f"{len(thread)}:{thread}:{turn.id or new_id()}",
        thread=thread,
        valid_from=turn.at,
    )


def _linked(row: Row, before: str) -> Row:
    if not before:
        return row
    return replace(row, draft=replace(row.draft, links=(LinkDraft(LinkKind.FOLLOWS, before),)))


def _write_places(
    organisation: UUID, prepared: PreparedTurns, stored: Sequence[Stored], places: dict[str, int]
) -> None:
    rows = prepared.prepared.rows
    ConversationTurn.objects.bulk_create(
        ConversationTurn(
            organisation_id=organisation,
            thread=prepared.thread,
            scope_id=prepared.scope,
            number=places[row.draft.external_id],
            memory_id=each.id,
            # as screened
            role=str(row.draft.metadata["role"]),
            name=str(row.draft.metadata["speaker"]) if turn.name else "",
            waits=bool(settings.LIFTOS_EXTRACTOR_URL),
        )
        for row, turn, each in zip(rows, prepared.turns, stored, strict=True)
        if each.outcome is Outcome.STORED
    )


def _states(organisation: UUID, stored: Sequence[Stored]) -> dict[UUID, TrustState]:
    rows = Memory.objects.filter(organisation_id=organisation, id__in=[each.id for each in stored])
    return {memory: TrustState(state) for memory, state in rows.values_list("id", "state")}
