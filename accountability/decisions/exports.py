"""Exports of an organisation's decisions."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from accountability.decisions.prov import prov_document
from accountability.leaf import RECORD_FIELDS, jsonable, leaf_bytes
from accountability.models import DecisionRecord, LedgerLeaf
from accountability.queries import as_decision
from accountability.statements import DECISIONS_OF_PERSON, WITHHELD
from liftos.kernel.db.transactions import raw_cursor, read_column, tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import Viewer, current_viewer
from liftos.kernel.erasure.types import Person

BATCH = 500
WITHHELD_BATCH = 5_000


def export_lines(*, organisation: UUID) -> Iterator[bytes]:
    """Yield each decision as a line of JSON, oldest first, with what `accountability/ledger/verifier.py` rebuilds the log from.

    Besides the decision's own fields: `index` in the log, null while pending; `leaf`, base64 of the hashed bytes;
    `payload_commitment`, and its `salt`, null once the payload has been erased. Decisions that the caller may not see follow as
    `index` and `leaf_hash` alone.
    """
    for rows, places in _batches(organisation):
        for row in rows:
            facts = {name: getattr(row, name) for name in RECORD_FIELDS}
            payload = getattr(row, "payload", None)
            line = asdict(as_decision(row)) | {
                "index": places.get(row.id),
                "leaf": leaf_bytes(facts),
                "payload_commitment": bytes(row.payload_commitment),
                "salt": bytes(payload.salt) if payload else None,
            }
            yield json.dumps(jsonable(line), ensure_ascii=False).encode() + b"\n"
    for index, leaf_hash in _withheld(organisation, current_viewer()):
        yield json.dumps(jsonable({"index": index, "leaf_hash": leaf_hash})).encode() + b"\n"


def decisions_of(
    *, organisation: UUID, person: Person, memories: Sequence[UUID], more: Sequence[UUID] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the decisions of a person, and those about or citing memories, oldest first, as far as the caller may see them.

    Args:
        organisation: the tenant.
        person: who decided.
        memories: by id.
        more: further decisions.
    """
    values: dict[str, Any] = {"organisation": organisation, "limit": BATCH, "after": None, **person.values}
    values |= {
        "memories": list(memories),
        "subjects": [str(each) for each in memories],
        "more": list(more),
    }
    while True:
        with tenant_transaction(organisation):
            ids = read_column(DECISIONS_OF_PERSON, values)
            rows = DecisionRecord.objects.filter(organisation_id=organisation, id__in=ids)
            batch = [as_decision(row) for row in rows.select_related("payload").order_by("id")]
        for decision in batch:
            yield jsonable(asdict(decision))
        if len(ids) < BATCH:
            return
        values["after"] = ids[-1]


def export_prov(*, organisation: UUID) -> Iterator[bytes]:
    """Yield the decisions as one PROV-JSON document, oldest first."""
    decisions = (as_decision(row) for rows, _ in _batches(organisation) for row in rows)
    return prov_document(decisions)


def _withheld(organisation: UUID, viewer: Viewer) -> Iterator[tuple[int, bytes]]:
    """Yield place and leaf hash of the sequenced decisions that a viewer may not see, oldest first."""
    last: UUID | None = None
    while not viewer.everything:
        values = {
            "organisation": organisation,
            "scopes": list(viewer.scopes),
            "after": last,
            "limit": WITHHELD_BATCH,
        }
        with whole_tenant(organisation):
            rows = raw_cursor().execute(WITHHELD, values).fetchall()
        for _, index, leaf_hash in rows:
            yield index, leaf_hash
        if len(rows) < WITHHELD_BATCH:
            return
        last = rows[-1][0]


def _batches(organisation: UUID) -> Iterator[tuple[list[DecisionRecord], dict[UUID, int]]]:
    """Yield batches of records with their payloads, oldest first, and their places in the log by id.

    Each batch is read in its own transaction, so a slow reader holds no connection in between. Ids ascend with time, so
    decisions recorded during the export come at the end.
    """
    last: UUID | None = None
    while True:
        with tenant_transaction(organisation):
            rows = (
                DecisionRecord.objects.filter(organisation_id=organisation)
                .select_related("payload")
                .order_by("id")
            )
            batch = list((rows.filter(id__gt=last) if last else rows)[:BATCH])
            leaves = LedgerLeaf.objects.filter(
                organisation_id=organisation, decision_id__in=[row.id for row in batch]
            )
            places = dict(leaves.values_list("decision_id", "index"))
        if not batch:
            return
        yield batch, places
        last = batch[-1].id
