"""Exports of an organisation's decisions."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from uuid import UUID

from accountability.leaf import jsonable
from accountability.models import DecisionRecord
from accountability.prov import prov_document
from accountability.queries import as_decision
from accountability.types import Decision
from liftos.db import tenant_transaction

BATCH = 500


def export_lines(*, organisation: UUID) -> Iterator[bytes]:
    """Yield each decision as a line of JSON, oldest first."""
    for decision in all_decisions(organisation=organisation):
        yield json.dumps(jsonable(asdict(decision)), ensure_ascii=False).encode() + b"\n"


def export_prov(*, organisation: UUID) -> Iterator[bytes]:
    """Yield the decisions as one PROV-JSON document, oldest first."""
    return prov_document(all_decisions(organisation=organisation))


def all_decisions(*, organisation: UUID) -> Iterator[Decision]:
    """Yield every decision, oldest first.

    Each batch is read in a transaction of its own: a slow reader holds no connection between them. Ids ascend with
    time, so what is recorded meanwhile comes at the end.
    """
    last: UUID | None = None
    while True:
        with tenant_transaction(organisation):
            rows = (
                DecisionRecord.objects.filter(organisation_id=organisation)
                .select_related("payload")
                .order_by("id")
            )
            batch = [as_decision(row) for row in (rows.filter(id__gt=last) if last else rows)[:BATCH]]
        if not batch:
            return
        yield from batch
        last = batch[-1].id
