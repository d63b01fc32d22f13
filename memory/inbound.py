"""Events from outside: written into the outbox, and stored as memories where their sender asks for it."""

from collections.abc import Sequence
from dataclasses import replace

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, LiftosError
from liftos.kernel.http.parsing import validate
from liftos.kernel.outbox.inbox.operations import become_memory, receive, withdraw
from liftos.kernel.outbox.inbox.types import Arrival, Received
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal
from memory.inputs import MemoryIn
from memory.operations import Prepared, commit_one, prepare
from memory.queries import read_scopes
from memory.types import VisibleTo, trust_of
from memory.visibility import scope_of

Loc = tuple[str | int, ...]


def prepare_memories(
    principal: Principal, arrivals: Sequence[Arrival], *, places: Sequence[Loc], visible_to: VisibleTo | None
) -> list[Prepared]:
    """Read and embed the memories that events become. Calls the model: don't call inside a transaction.

    Args:
        principal: the sender.
        arrivals: the events; their data is a memory as in `POST /api/v1/memories`.
        places: of their data in the request.
        visible_to: who may see them, unless a memory says otherwise.

    Raises:
        LiftosError: data is not a memory.
    """
    drafts = []
    for arrival, place in zip(arrivals, places, strict=True):
        if "data_base64" in arrival.attributes:
            raise InvalidInput("A memory must be JSON.", loc=place)
        draft = validate(MemoryIn, arrival.data, loc=place).draft()
        drafts.append(draft if draft.visible_to is not None else replace(draft, visible_to=visible_to))
    prepared = prepare(principal.organisation, drafts, trust_of(principal))
    return [replace(prepared, rows=(row,)) for row in prepared.rows]


def commit_arrival(
    *, principal: Principal, arrival: Arrival, memory: Prepared | None, visible_to: VisibleTo | None
) -> Received:
    """Write an event, and the memory that it becomes, in one transaction; of one that arrived before, return what it became.

    Args:
        principal: the sender.
        arrival: the event.
        memory: what it becomes, of `prepare_memories`; None for nothing.
        visible_to: who may see it, if it becomes no memory.

    Raises:
        EventIdTaken: an event that the sender may not see has the same source and id.
        LiftosError: the memory is refused, as for `commit_one`; the event is not written.
    """
    organisation = principal.organisation
    with observe_operation("event.receive", organisation=str(organisation)):
        with tenant_transaction(organisation):
            scope = scope_of(organisation, visible_to if memory is None else None)
            received = receive(organisation=organisation, arrival=arrival, scope_id=scope)
            if memory is None or received.duplicate:
                return received
            try:
                stored = commit_one(organisation=organisation, by=principal.actor, prepared=memory)
            except LiftosError as error:
                if not error.keeps_record:
                    raise
                withdraw(organisation=organisation, event=received.event)
                refused = error
            else:
                scope = read_scopes(organisation, [stored.id])[stored.id]
                become_memory(
                    organisation=organisation, event=received.event, memory=stored.id, scope_id=scope
                )
                return replace(received, memory=stored.id)
        # after the commit, which keeps the record of the refusal
        raise refused
