"""Bulk jobs: bulk stores that are accepted at once and processed by workers.

All lines are written in one transaction before the 202 response, so they can't be lost. Storing a chunk, writing its results and
removing its text share a transaction too, so a crashed worker leaves the chunk untouched or done. No transaction is open while lines
are embedded; a lease keeps other workers away. The caller's scopes are checked again for each chunk, so a revoked key's jobs stop.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, current_viewer, viewing
from liftos.kernel.errors import TooLarge
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.bulk.lines import (
    BATCH,
    MAX_LINES,
    batches,
    read_lines,
    refused_lines,
    store_batch,
)
from memory.bulk.screening import read_notes, screen_lines
from memory.bulk.statements import (
    END_LEASE,
    FINISH_CHUNK,
    LEASE_CHUNK,
    LOCK_WAITING_CHUNK,
)
from memory.index.embeddings import given_vectors
from memory.models import BulkChunk, BulkJob
from memory.operations import embed_rows
from memory.policies import read_secrets_policy
from memory.queries import trust_now
from memory.types import TrustState

# several times the duration of embedding a chunk; a crashed worker's chunk is retried after it
LEASE_SECONDS = 60


def accept(*, organisation: UUID, by: Actor, trust: TrustState, stream: Iterable[bytes]) -> UUID:
    """Queue the lines of a bulk store for workers; return the job's id.

    Raises:
        InvalidRequest: no lines, or not UTF-8.
        TooLarge: more than 200,000 lines; none is stored.
    """
    viewer = current_viewer()
    scope = viewer.own or ORGANISATION_SCOPE
    secrets = read_secrets_policy(organisation)
    with (
        observe_operation("memory.accept_bulk", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        job = BulkJob.objects.create(
            organisation_id=organisation,
            actor_kind=by.kind,
            actor_id=by.id,
            on_behalf_of=by.on_behalf_of,
            principal=viewer.principal,
            groups=viewer.listed_groups,
            scope_id=scope,
            trust=trust,
        )
        empty = True
        for number, (first, lines) in enumerate(batches(_decoded(stream), BATCH)):
            empty = empty and not any(line.strip() for line in lines)
            lines, screened = screen_lines(first, lines, secrets)
            BulkChunk.objects.create(
                organisation_id=organisation,
                job=job,
                scope_id=scope,
                number=number,
                first_line=first,
                lines=len(lines),
                text="\n".join(lines),
                screened=screened,
            )
        if empty:
            raise InvalidRequest([item("missing", ("body",), "Field required")])
        transaction.on_commit(lambda: send_hint("memory.work_on_bulk_jobs", organisation))
    return job.id


def work_on_next_chunk(*, organisation: UUID) -> bool:
    """Process the next chunk that is not leased; return whether there was one."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(LEASE_CHUNK, {"organisation": organisation, "seconds": LEASE_SECONDS}).fetchone()
    if row is None:
        return False
    job, number, first, text, screened, kind, actor, behalf, trust, principal, groups = row
    chunk = (organisation, job, number)
    by = Actor(ActorKind(kind), actor, behalf)
    try:
        # what the sender may see now
        with viewing(viewer_now(organisation=organisation, actor=by, principal=principal, groups=groups)):
            _store_chunk(chunk, first, text.split("\n"), screened, by, TrustState(trust))
    except Exception:
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute(END_LEASE, chunk)
        raise
    return True


def _store_chunk(
    chunk: tuple[UUID, UUID, int],
    first: int,
    lines: list[str],
    screened: str | None,
    by: Actor,
    sent: TrustState,
) -> None:
    organisation = chunk[0]
    trust = trust_now(organisation=organisation, by=by, trust=sent)
    batch = prepared = None
    if trust is not None:
        secrets = read_secrets_policy(organisation)
        batch = read_lines(
            first,
            lines,
            organisation=organisation,
            given=given_vectors(organisation),
            trust=trust,
            secrets=secrets,
            screened=read_notes(screened, secrets),
        )
        prepared = embed_rows(organisation, batch.rows)
    with tenant_transaction(organisation), raw_cursor() as cursor:
        if cursor.execute(LOCK_WAITING_CHUNK, chunk).fetchone() is None:
            return  # the lease expired, and another worker has stored it
        if trust_now(organisation=organisation, by=by, trust=sent) != trust:
            # the caller's scopes have changed meanwhile: retry
            cursor.execute(END_LEASE, chunk)
            return
        if batch is None or prepared is None:
            results = refused_lines(first, lines)
        else:
            results = store_batch(organisation, by, batch, prepared)
        cursor.execute(FINISH_CHUNK, [json.dumps(results), *chunk])


def list_results(
    *, organisation: UUID, job: UUID, after: int, chunks: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return the results of up to `chunks` chunks, and the number of the next chunk, None after the last."""
    rows = BulkChunk.objects.filter(
        organisation_id=organisation, job_id=job, number__gte=after, results__isnull=False
    ).order_by("number")[: chunks + 1]
    found = list(rows)
    results = [result for row in found[:chunks] for result in row.results or []]
    return results, found[chunks].number if len(found) > chunks else None


def list_organisations_with_bulk_work() -> list[UUID]:
    """Return the organisations with unprocessed chunks. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_bulk_work()")
        return [row[0] for row in cursor.fetchall()]


def _decoded(stream: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(stream, start=1):
        if number > MAX_LINES:
            raise TooLarge(f"At most {MAX_LINES} lines are allowed.")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidRequest([item("json_invalid", ("body", number), "The line is not UTF-8")]) from error
        if "\x00" in text:
            raise InvalidRequest(
                [item("string_nul", ("body", number), "Input should not contain a NUL character")]
            )
        yield text
