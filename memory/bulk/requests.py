"""Bulk store requests: NDJSON in, one result per line out."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

from liftos.kernel.db.prefetch import Ahead
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.deadlines import TookTooLong, check_deadline
from liftos.kernel.http.idempotency.keys import claim, recall, settle
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.tenancy.types import Actor
from memory.bulk.jobs import accept
from memory.bulk.lines import (
    BATCH,
    MAX_LINES,
    Batch,
    batches,
    read_lines,
    refused_lines,
    store_batch,
)
from memory.index.embeddings import given_vectors
from memory.operations import embed_rows
from memory.policies import read_secrets_policy
from memory.queries import trust_now
from memory.types import TrustState

# bytes of a body kept in memory; larger ones go to a temporary file
_MAX_IN_MEMORY = 1024 * 1024

Results = list[dict[str, Any]]


def store_lines(
    *, organisation: UUID, by: Actor, stream: Iterable[bytes], trust: TrustState = TrustState.ACTIVE
) -> Results:
    """Store one memory per line of an NDJSON stream; blank lines are skipped.

    Args:
        organisation: the tenant.
        by: the actor.
        stream: lines of bytes, numbered from 1 including blank ones.
        trust: the highest trust state the caller may store.

    Returns:
        For each line: line, status (201, 200, 409, 422), id or error, external_id. A last result marks where processing stopped,
        with all lines before it stored: 413 after 200,000 lines, 503 at the deadline, 403 if the caller's scopes changed.

    Raises:
        InvalidRequest: no lines.
        CallerGone: the caller closed the connection; whole batches may be stored.
    """

    def store(place: int, lines: list[bytes], batch: Batch, meanwhile: Callable[[], None]) -> Results:
        del place, lines
        return store_batch(organisation, by, batch, embed_rows(organisation, batch.rows), meanwhile)

    return _store(organisation, by, stream, trust, store)


def store_lines_once(
    *, organisation: UUID, by: Actor, stream: Iterable[bytes], trust: TrustState, key: tuple[str, str]
) -> tuple[Results, bool]:
    """Store lines as `store_lines` does, under one idempotency key.

    The whole stream is read first, to compare it with the key's. Each batch saves its results in its own transaction, so a
    repeated request continues an interrupted one.

    Args:
        organisation: the tenant.
        by: the actor.
        stream: as for `store_lines`.
        trust: as for `store_lines`.
        key: the idempotency key's actor and name.

    Returns:
        The results, and whether all of them are from an earlier request.

    Raises:
        InvalidRequest: no lines.
        KeyReused: the key was used for other lines or another request.
    """
    actor, name = key
    values: dict[str, Any] = {"organisation": organisation, "actor": actor}
    # hashed, so that a batch's key fits into the column however long the request's is
    short, stored, resumed = hashlib.sha256(name.encode()).hexdigest(), 0, False

    def store(place: int, lines: list[bytes], batch: Batch, meanwhile: Callable[[], None]) -> Results:
        nonlocal stored
        digest = hashlib.sha256(b"bulk\x00" + b"".join(lines)).digest()
        of_batch = values | {"key": f"{short}\x1f{place}", "fingerprint": digest}
        if resumed:
            with tenant_transaction(organisation):
                found = recall(of_batch)
            if found is not None:
                return _recalled(found.body, batch)
        prepared = embed_rows(organisation, batch.rows)
        with tenant_transaction(organisation):
            found = claim(of_batch)
            if found is not None:
                return _recalled(found.body, batch)
            results = store_batch(organisation, by, batch, prepared, meanwhile)
            settle(of_batch, status=200, body=_kept(results, batch))
        stored += 1
        return results

    with _read_whole(stream, b"bulk, whole\x00") as (body, digest):
        with tenant_transaction(organisation):
            resumed = claim(values | {"key": name, "fingerprint": digest}) is not None
        results = _store(organisation, by, body, trust, store)
    return results, not stored


def _store(
    organisation: UUID,
    by: Actor,
    stream: Iterable[bytes],
    trust: TrustState,
    store: Callable[[int, list[bytes], Batch, Callable[[], None]], Results],
) -> Results:
    given, secrets = given_vectors(organisation), read_secrets_policy(organisation)

    def read(numbered: tuple[int, list[bytes]]) -> tuple[int, list[bytes], Batch]:
        first, lines = numbered
        batch = read_lines(first, lines, organisation=organisation, given=given, trust=trust, secrets=secrets)
        return first, lines, batch

    results: Results = []
    ahead = Ahead(read, batches(stream, min(BATCH, MAX_LINES)))
    for place, (first, lines, batch) in enumerate(ahead):
        if first > MAX_LINES:
            error = {"detail": f"At most {MAX_LINES} lines are allowed."}
            results.append({"line": first, "status": 413, "error": error})
            break
        if trust_now(organisation=organisation, by=by, trust=trust) != trust:
            # the batch was prefetched with the caller's earlier trust
            results += refused_lines(first, lines)[:1]
            break
        try:
            check_deadline()
        except TookTooLong:
            error = {"detail": "The request took too long; send the rest in another, or with mode=async."}
            results.append({"line": first, "status": 503, "error": error})
            break
        results += store(place, lines, batch, ahead.make_next)
    if not results:
        raise _no_lines()
    return results


def _kept(results: Results, batch: Batch) -> Results:
    """Return the results to save with a key, without content of the lines, which a repeated request sends again."""
    numbers = set(batch.numbers)
    return [
        {name: value for name, value in result.items() if name != "external_id"}
        for result in results
        if result["line"] in numbers
    ]


def _recalled(kept: Results, batch: Batch) -> Results:
    """Return the results of a batch stored before, from those saved with its key and the repeated lines."""
    names = {number: row.draft.external_id for number, row in zip(batch.numbers, batch.rows, strict=True)}
    results = list(batch.refused)
    for result in kept:
        external_id = names.get(result["line"], "")
        results.append(result | ({"external_id": external_id} if external_id else {}))
    return sorted(results, key=lambda result: result["line"])


def _no_lines() -> InvalidRequest:
    return InvalidRequest([item("missing", ("body",), "Field required")])


def accept_once(
    *, organisation: UUID, by: Actor, stream: Iterable[bytes], trust: TrustState, key: tuple[str, str] | None
) -> tuple[UUID, bool]:
    """Queue a bulk store for workers; return the job's id, and whether it is from an earlier request.

    Raises:
        KeyReused: the key was used for other lines or another request.
        InvalidRequest, TooLarge: as for `accept`.
    """
    with _read_whole(stream, b"bulk, later\x00") as (body, digest):
        if key is None:
            return accept(organisation=organisation, by=by, trust=trust, stream=body), False
        values = {"organisation": organisation, "actor": key[0], "key": key[1], "fingerprint": digest}
        with tenant_transaction(organisation):
            found = claim(values)
            if found is not None:
                return UUID(found.body["id"]), True
            job = accept(organisation=organisation, by=by, trust=trust, stream=body)
            settle(values, status=202, body={"id": str(job)})
    return job, False


@contextmanager
def _read_whole(stream: Iterable[bytes], purpose: bytes) -> Iterator[tuple[IO[bytes], bytes]]:
    """Read a whole body before a transaction is opened, because the sender may be slow.

    Yields:
        The body, and a digest of the purpose and the body.

    Raises:
        InvalidRequest: no lines.
    """
    digest, blank = hashlib.sha256(purpose), True
    with SpooledTemporaryFile(max_size=_MAX_IN_MEMORY) as body:
        for line in stream:
            digest.update(line)
            body.write(line)
            blank = blank and not line.strip()
        if blank:
            raise _no_lines()
        body.seek(0)
        yield body, digest.digest()
