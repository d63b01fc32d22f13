"""Filling the index of decisions: words by the relay, vectors by a worker, both by a command for decisions from before."""

import json
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import transaction

from accountability.search.statements import ADD_TEXTS, NOT_INDEXED, PAYLOADS, SET_VECTOR, WITHOUT_VECTOR
from accountability.search.texts import text_of
from liftos.kernel.db.binary import HalfVec, TextArray
from liftos.kernel.db.transactions import raw_cursor, read_column, whole_tenant
from liftos.kernel.embedding import TextKind, get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.types import Event
from liftos.kernel.reserved_operations import reserved_namespace

SUBSCRIBER = "decisions.index"
TYPES = ("liftos.decision.recorded",)
TASK = "accountability.embed_decisions"
BATCH = 100
_SCANNED = 2_000


def index_recorded(organisation: UUID, events: Sequence[Event]) -> None:
    """Index the words of recorded decisions. See `liftos.kernel.outbox.subscribers.Handler`."""
    added = add_texts(organisation, [UUID(each.data["decision_id"]) for each in events])
    if added:
        transaction.on_commit(lambda: send_hint(TASK, organisation))


def add_texts(organisation: UUID, decisions: Sequence[UUID]) -> int:
    """Index the words of decisions that have a payload and are not indexed; return how many. In a transaction that sees everything."""
    texts = _texts(organisation, decisions)
    if not texts:
        return 0
    values = {"organisation": organisation, "ids": list(texts), "texts": TextArray(texts.values())}
    return raw_cursor().execute(ADD_TEXTS, values).rowcount


def add_missing(*, organisation: UUID) -> Iterator[int]:
    """Index the words of all decisions of callers and workflows that are not indexed; yield how many, batch by batch.

    The service's own are left out: searches and stores say in words what their other fields say too.
    """
    after = None
    while True:
        with whole_tenant(organisation):
            values = {"organisation": organisation, "after": after, "limit": _SCANNED}
            rows = raw_cursor().execute(NOT_INDEXED, values).fetchall()
            own = [ident for ident, operation in rows if reserved_namespace(operation) is None]
            added = add_texts(organisation, own)
        yield added
        if len(rows) < _SCANNED:
            return
        after = rows[-1][0]


def embed_next(*, organisation: UUID, limit: int = BATCH) -> int:
    """Embed indexed decisions that have no vector of the installation's model; return how many. Not inside a transaction.

    Raises:
        EmbedderUnavailable: the model failed.
    """
    manager = get_manager()
    model = model_number(manager.model)
    with whole_tenant(organisation):
        pending = {"organisation": organisation, "model": model, "limit": limit}
        texts = _texts(organisation, read_column(WITHOUT_VECTOR, pending))
    if not texts:
        return 0
    try:
        vectors = manager.embed_many(list(texts.values()), kind=TextKind.DOCUMENT, organisation=organisation)
    finally:
        # what a decision says goes with its erasure, also from caches
        manager.forget(texts.values(), organisation=organisation)
    with whole_tenant(organisation), raw_cursor() as cursor:
        for decision, vector in zip(texts, vectors, strict=True):
            cursor.execute(SET_VECTOR, (HalfVec(vector), model, organisation, decision))
    return len(texts)


def has_pending(*, organisation: UUID) -> bool:
    """Return whether indexed decisions have no vector of the installation's model."""
    model = model_number(get_manager().model)
    with whole_tenant(organisation):
        return bool(read_column(WITHOUT_VECTOR, {"organisation": organisation, "model": model, "limit": 1}))


def _texts(organisation: UUID, decisions: Sequence[UUID]) -> dict[UUID, str]:
    rows = raw_cursor().execute(PAYLOADS, {"organisation": organisation, "ids": list(decisions)})
    return {
        ident: text_of(operation, point, (kind, subject), json.loads(body))
        for ident, operation, point, kind, subject, body in rows
    }
