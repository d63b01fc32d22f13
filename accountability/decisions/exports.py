"""Exports of an organisation's decisions."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from uuid import UUID

from accountability.decisions.prov import prov_document
from accountability.leaf import RECORD_FIELDS, jsonable, leaf_bytes
from accountability.models import DecisionRecord, LedgerLeaf
from accountability.queries import as_decision
from liftos.kernel.db.transactions import tenant_transaction

BATCH = 500


def export_lines(*, organisation: UUID) -> Iterator[bytes]:
    """Yield each decision as a line of JSON, oldest first, with what `accountability/ledger/verifier.py` rebuilds the log from.

    Besides the decision's own fields: `index` in the log, null while pending; `leaf`, base64 of the hashed bytes;
    `payload_commitment`, and its `salt`, null once the payload has been erased.
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


def export_prov(*, organisation: UUID) -> Iterator[bytes]:
    """Yield the decisions as one PROV-JSON document, oldest first."""
    decisions = (as_decision(row) for rows, _ in _batches(organisation) for row in rows)
    return prov_document(decisions)


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
