"""Verifying a log against its rows: what `verify_ledger` and the admin's decision page say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accountability import ledger_store as store
from accountability.checkpoint import CheckpointInvalid, open_signed
from accountability.leaf import RECORD_FIELDS, commitment, hash_of
from accountability.merkle import append_nodes, edge_root, inclusion_from_nodes, verify_inclusion
from accountability.models import DecisionRecord
from accountability.signing import origin_of, verifier
from liftos.db import raw_cursor

BATCH = 5_000

_RECORDS = """
SELECT l.index, l.leaf_hash, l.decision_id, r.id IS NOT NULL, p.salt, p.body, {columns}
FROM accountability_ledgerleaf AS l
LEFT JOIN accountability_decisionrecord AS r ON r.organisation_id = l.organisation_id AND r.id = l.decision_id
LEFT JOIN accountability_decisionpayload AS p ON p.organisation_id = l.organisation_id AND p.decision_id = l.decision_id
WHERE l.organisation_id = %s AND l.index >= %s ORDER BY l.index LIMIT %s
""".format(columns=", ".join(f"r.{name}" for name in RECORD_FIELDS))
_CHECKPOINTS = """
SELECT size, root, text FROM accountability_ledgercheckpoint WHERE organisation_id = %s ORDER BY size
"""
_OUTSIDE = """
SELECT r.id FROM accountability_decisionrecord AS r
WHERE r.organisation_id = %(organisation)s
AND NOT EXISTS (SELECT 1 FROM accountability_ledgerleaf AS l
                WHERE l.organisation_id = %(organisation)s AND l.decision_id = r.id)
AND NOT EXISTS (SELECT 1 FROM accountability_ledgerpending AS p
                WHERE p.organisation_id = %(organisation)s AND p.decision_id = r.id)
ORDER BY r.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something holds, and in words why or why not."""

    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the verification of a log has come; `verdict` comes with the last."""

    records: int
    verdict: Verdict | None = None


class _Broken(Exception):
    """What was found, for the verdict."""


def check_record(organisation: UUID, decision: UUID) -> Verdict:
    """Verify one record against the newest signed tree head."""
    row = (
        DecisionRecord.objects.filter(organisation_id=organisation, id=decision)
        .values(*RECORD_FIELDS)
        .first()
    )
    index, head = store.index_of(organisation, decision), store.last_checkpoint(organisation)
    if row is None:
        return Verdict(holds=False, text="there is no such record")
    if index is None or head is None:
        return Verdict(holds=False, text="waits for its place in the log")
    try:
        signed = open_signed(head.text, verifier(), origin=origin_of(organisation))
    except CheckpointInvalid as error:
        return Verdict(holds=False, text=f"the newest checkpoint is not valid: {error}")
    try:
        proof = inclusion_from_nodes(store.node_reader(organisation), index, signed.size)
    except KeyError:
        return Verdict(holds=False, text="NOT VERIFIED: nodes of the log are missing")
    if not verify_inclusion(hash_of(row), index, signed.size, proof, signed.root):
        return Verdict(holds=False, text=f"NOT VERIFIED: record {index} is not what the log was signed with")
    return Verdict(holds=True, text=f"verified: record {index} of {signed.size}, signed by {verifier().name}")


def verify_log(organisation: UUID) -> Iterator[Progress]:
    """Rebuild an organisation's log from its raw rows, and compare with every signed checkpoint.

    Yields:
        Progress after each batch; the last has the verdict, which names the first bad record. Inside the caller's
        tenant transaction.
    """
    checkpoints = _checkpoints(organisation)
    edge: list[bytes] = []
    size = 0
    due = 0
    try:
        while batch := _read(organisation, size):
            hashes = [_checked(row, size + place) for place, row in enumerate(batch)]
            start = 0
            # each checkpoint that falls into this batch is compared at exactly its size
            while due < len(checkpoints) and checkpoints[due][0] <= size + len(hashes):
                end = checkpoints[due][0] - size
                edge, _ = append_nodes(edge, size + start, hashes[start:end])
                _compare(organisation, checkpoints[due], edge)
                start, due = end, due + 1
            edge, _ = append_nodes(edge, size + start, hashes[start:])
            size += len(hashes)
            yield Progress(size)
        _closing(organisation, checkpoints, due, size)
    except _Broken as found:
        yield Progress(size, Verdict(holds=False, text=str(found)))
        return
    text = f"{size} records and {len(checkpoints)} checkpoints hold"
    yield Progress(size, Verdict(holds=True, text=text))


def _checkpoints(organisation: UUID) -> list[tuple[int, bytes, str]]:
    with raw_cursor() as cursor:
        return cursor.execute(_CHECKPOINTS, [organisation]).fetchall()


def _read(organisation: UUID, size: int) -> list[tuple[Any, ...]]:
    with raw_cursor() as cursor:
        return cursor.execute(_RECORDS, [organisation, size, BATCH]).fetchall()


def _checked(row: tuple[Any, ...], expected: int) -> bytes:
    """Return a record's leaf hash, rebuilt from its columns."""
    index, stored, decision, exists, salt, body, *columns = row
    if index != expected:
        raise _Broken(f"the leaf at {expected} is missing")
    if not exists:
        raise _Broken(f"record {index} ({decision}) is missing")
    values = dict(zip(RECORD_FIELDS, columns, strict=True))
    if isinstance(values["versions"], str):
        values["versions"] = json.loads(values["versions"])
    try:
        rebuilt = hash_of(values)
    except ValueError as error:
        raise _Broken(f"record {index} ({decision}) was altered: {error}") from error
    if rebuilt != stored:
        raise _Broken(f"record {index} ({decision}) was altered")
    if body is not None and commitment(bytes(salt), body) != values["payload_commitment"]:
        raise _Broken(f"the payload of record {index} ({decision}) was altered")
    return rebuilt


def _compare(organisation: UUID, checkpoint: tuple[int, bytes, str], edge: list[bytes]) -> None:
    size, root, text = checkpoint
    try:
        signed = open_signed(text, verifier(), origin=origin_of(organisation))
    except CheckpointInvalid as error:
        raise _Broken(f"the checkpoint at {size} is not valid: {error}") from error
    if (signed.size, signed.root) != (size, root):
        raise _Broken(f"the checkpoint at {size} was altered")
    if edge_root(edge) != signed.root:
        raise _Broken(
            f"the log up to {size} is not what was signed: a leaf at or before {size - 1} was altered"
        )


def _closing(organisation: UUID, checkpoints: list[tuple[int, bytes, str]], due: int, size: int) -> None:
    if due < len(checkpoints):
        raise _Broken(f"the log has {size} records, and a checkpoint was signed for {checkpoints[-1][0]}")
    if size and (not checkpoints or checkpoints[-1][0] != size):
        signed = checkpoints[-1][0] if checkpoints else 0
        raise _Broken(f"the log has {size} records, and only {signed} were signed")
    with raw_cursor() as cursor:
        outside = cursor.execute(_OUTSIDE, {"organisation": organisation}).fetchone()
    if outside is not None:
        raise _Broken(f"record {outside[0]} is neither in the log nor waiting for it")
