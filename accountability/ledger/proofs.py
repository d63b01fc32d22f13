"""Proof bundles for outsiders: that a record is in the log, and that the log only grew."""

import base64
from typing import Any
from uuid import UUID

from accountability.errors import DecisionNotFound, InvalidSize, LogEmpty, NotIntegrated
from accountability.leaf import RECORD_FIELDS, leaf_bytes, leaf_record
from accountability.ledger import store
from accountability.merkle import consistency_from_nodes, inclusion_from_nodes, root_from_nodes
from accountability.models import DecisionPayload, DecisionRecord, LedgerPending
from liftos.kernel.db.rows import one_or

FORMAT = "liftos-proof/1"
CONSISTENCY_FORMAT = "liftos-consistency/1"


def get_checkpoint(organisation: UUID) -> store.StoredCheckpoint:
    """Return the log's newest signed tree head.

    Raises:
        LogEmpty: there is none yet.
    """
    found = store.last_checkpoint(organisation)
    if found is None:
        raise LogEmpty
    return found


def get_proof(*, organisation: UUID, decision: UUID, disclose: bool = False) -> dict[str, Any]:
    """Return a bundle that proves a record to be in the log; accountability/ledger/verifier.py documents its fields.

    Args:
        organisation: whose log.
        decision: the record.
        disclose: add the payload and its salt, so that the payload can be verified too.

    Raises:
        DecisionNotFound: there is none in this organisation.
        NotIntegrated: it has no place in the log yet.
    """
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision)
    row = one_or(DecisionNotFound, rows.values(*RECORD_FIELDS))
    index = store.index_of(organisation, decision)
    if index is None:
        raise NotIntegrated
    head = get_checkpoint(organisation)
    proof = inclusion_from_nodes(store.node_reader(organisation), index, head.size)
    bundle: dict[str, Any] = {
        "format": FORMAT,
        "record": leaf_record(row),
        "leaf": _text(leaf_bytes(row)),
        "index": index,
        "size": head.size,
        "proof": [_text(each) for each in proof],
        "checkpoint": head.text,
    }
    payload = DecisionPayload.objects.filter(decision_id=decision).first() if disclose else None
    if payload is not None:
        bundle["disclosure"] = {"salt": _text(bytes(payload.salt)), "payload": payload.values}
    return bundle


def get_consistency(*, organisation: UUID, first: int, second: int | None) -> dict[str, Any]:
    """Return a proof (RFC 9162, 2.1.4) that the tree of `second` leaves continues the tree of `first`.

    It includes the checkpoints signed at these sizes, None if there is none.

    Raises:
        LogEmpty: there is no checkpoint yet.
        InvalidSize: not 1 <= first <= second <= size.
    """
    size = get_checkpoint(organisation).size
    second = size if second is None else second
    if not 1 <= first <= second <= size:
        raise InvalidSize(f"Sizes must satisfy 1 <= from <= to <= {size}.", loc=("query", "from"))
    read = store.node_reader(organisation)
    return {
        "format": CONSISTENCY_FORMAT,
        "size1": first,
        "size2": second,
        "root1": _text(root_from_nodes(read, first)),
        "root2": _text(root_from_nodes(read, second)),
        "proof": [_text(each) for each in consistency_from_nodes(read, first, second)],
        "checkpoint1": store.checkpoint_at(organisation, first),
        "checkpoint2": store.checkpoint_at(organisation, second),
    }


def count_pending(organisation: UUID) -> int:
    """Return the number of records without a place in the log yet."""
    return LedgerPending.objects.filter(organisation_id=organisation).count()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
