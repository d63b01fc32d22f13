"""NDJSON in, one result a line out."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import transaction

from liftos.ahead import Ahead
from liftos.api.parsing import InvalidRequest, item
from liftos.db import tenant_transaction
from liftos.idempotency.once import keep, recall
from liftos.tenancy.types import Actor
from memory.portability.jobs import accept
from memory.portability.lines import BATCH, Batch, active_dimension, read_lines, store_batch
from memory.types import TrustState

MAX_LINES = 200_000


def store_lines(
    *,
    organisation: UUID,
    by: Actor,
    stream: Iterable[bytes],
    trust: TrustState = TrustState.ACTIVE,
    key: tuple[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Store a memory for each line of an NDJSON stream; blank lines are skipped.

    Args:
        organisation: whose memories.
        by: who stores them.
        stream: yields lines of bytes; numbering starts at 1 and counts blank ones.
        trust: how far what is stored may be believed.
        key: whose idempotency key, and the key. Each batch of lines keeps its answer with what it stored, so that a request
            that broke off is taken up where it was.

    Returns:
        For each line: line, status (201, 200, 409, 422), id or error, external_id. Past 200,000 lines one more
        result, 413, says where reading ended: what came before is stored.

    Raises:
        InvalidRequest: no line at all.
        KeyReused: the key stood for other lines.
    """
    dimension = active_dimension(organisation)

    def read(numbered: tuple[int, list[bytes]]) -> tuple[int, list[bytes], Batch]:
        first, lines = numbered
        batch = read_lines(first, lines, organisation=organisation, dimension=dimension, trust=trust)
        return first, lines, batch

    results: list[dict[str, Any]] = []
    batches = Ahead(read, _batches(stream))
    for place, (first, lines, batch) in enumerate(batches):
        if first > MAX_LINES:
            error = {"detail": f"At most {MAX_LINES} lines."}
            results.append({"line": first, "status": 413, "error": error})
            break
        results += (
            store_batch(organisation, by, batch, batches.make_next)
            if key is None
            else _store_once(organisation, by, lines, batch, (*key, place))
        )
    if not results:
        raise InvalidRequest([item("missing", ("body",), "Field required")])
    return results


def _batches(stream: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    first, lines = 1, []
    for number, line in enumerate(stream, start=1):
        lines.append(line)
        if len(lines) == BATCH or number == MAX_LINES:
            yield first, lines
            first, lines = number + 1, []
    if lines:
        yield first, lines


def accept_once(
    *, organisation: UUID, by: Actor, stream: Iterable[bytes], trust: TrustState, key: tuple[str, str] | None
) -> UUID:
    """Accept the lines of a bulk store for a worker; return the job's id, the earlier one's under a known key.

    Raises:
        KeyReused: the key stood for other lines.
        InvalidRequest, TooLarge: as for `accept`.
    """
    if key is None:
        return accept(organisation=organisation, by=by, trust=trust, stream=stream)
    digest = hashlib.sha256(b"bulk, later\x00")
    values: dict[str, Any] = {"organisation": organisation, "actor": key[0], "key": key[1]}
    with tenant_transaction(organisation):
        undo = transaction.savepoint()
        job = accept(organisation=organisation, by=by, trust=trust, stream=_hashed(stream, digest))
        # what the request is known by is known only when all of it has been read
        values["fingerprint"] = digest.digest()
        found = recall(values)
        if found is not None:
            transaction.savepoint_rollback(undo)
            return UUID(found[1]["id"])
        keep(values, status=202, body={"id": str(job)})
    return job


def _hashed(stream: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for line in stream:
        digest.update(line)
        yield line


def _store_once(
    organisation: UUID, by: Actor, lines: list[bytes], batch: Batch, key: tuple[str, str, int]
) -> list[dict[str, Any]]:
    actor, name, place = key
    values = {
        "organisation": organisation,
        "actor": actor,
        "key": f"{name}\x1f{place}",
        "fingerprint": hashlib.sha256(b"bulk\x00" + b"".join(lines)).digest(),
    }
    with tenant_transaction(organisation):
        found = recall(values)
        if found is not None:
            return found[1]
        results = store_batch(organisation, by, batch)
        keep(values, status=200, body=results)
    return results
