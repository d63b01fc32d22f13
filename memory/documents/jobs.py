"""Document jobs: documents that are accepted at once and stored by workers.

The file is in the database before the 202 response, so it can't be lost. Storing the document, writing the result and deleting the file
share a transaction, so a crashed worker leaves the job untouched or done. No transaction is open while the document is parsed and
embedded; a lease keeps other workers away. The caller's scopes are checked again, so a revoked key's jobs fail.
"""

import json
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, current_viewer, viewing
from liftos.kernel.errors import LiftosError, Unavailable
from liftos.kernel.jobs import send_hint
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.documents.errors import TooComplex
from memory.documents.operations import JustStored, commit_document, prepare_document
from memory.documents.statements import END_LEASE, FINISH_JOB, LEASE_JOB, LOCK_WAITING_JOB
from memory.documents.types import DocumentOutcome, Upload
from memory.errors import NoLongerAllowed
from memory.models import DocumentJob
from memory.operations import refuse_secrets
from memory.queries import trust_now
from memory.trust.versions import VersionMismatch
from memory.types import TrustState, VisibleTo

EMBEDDING_SECONDS = 60
"""Part of a lease beside the time to parse (twice LIFTOS_DOCUMENT_SECONDS); a crashed worker's job is retried after it."""
MAX_ATTEMPTS = 5
"""Attempts after which a job whose worker dies each time is given up."""


def accept_document(*, organisation: UUID, by: Actor, trust: TrustState, upload: Upload) -> UUID:
    """Queue a document for workers; return the job's id."""
    viewer = current_viewer()
    options = asdict(replace(upload, content=b""))
    del options["content"]
    with (
        observe_operation("memory.accept_document", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        job = DocumentJob.objects.create(
            organisation_id=organisation,
            actor_kind=by.kind,
            actor_id=by.id,
            on_behalf_of=by.on_behalf_of,
            principal=viewer.principal,
            groups=viewer.listed_groups,
            scope_id=viewer.own or ORGANISATION_SCOPE,
            trust=trust,
            options=options,
            file=upload.content,
        )
        transaction.on_commit(lambda: send_hint("memory.work_on_document_jobs", organisation))
    return job.id


def work_on_next_job(*, organisation: UUID) -> bool:
    """Process the next job that is not leased; return whether there was one."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        lease = 2 * settings.LIFTOS_DOCUMENT_SECONDS + EMBEDDING_SECONDS
        values = {"organisation": organisation, "seconds": lease}
        row = cursor.execute(LEASE_JOB, values).fetchone()
        job = DocumentJob.objects.get(organisation_id=organisation, id=row[0]) if row else None
    if job is None:
        return False
    try:
        if job.attempts > MAX_ATTEMPTS:
            _finish(job, *_refusal(TooComplex(loc=("file",))))
        else:
            # what the sender may see now
            by = Actor(ActorKind(job.actor_kind), job.actor_id, job.on_behalf_of)
            viewer = viewer_now(
                organisation=organisation, actor=by, principal=job.principal, groups=job.groups
            )
            with viewing(viewer):
                _store(job, by)
    except (JustStored, VersionMismatch):
        _end_lease(job, uncounted=True)
    except Unavailable:
        # the next sweep tries again
        _end_lease(job, uncounted=True)
        return False
    except LiftosError as error:
        _finish(job, *_refusal(error))
    except Exception:
        _end_lease(job, uncounted=False)
        raise
    return True


def list_organisations_with_document_work() -> list[UUID]:
    """Return the organisations with unprocessed jobs. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_document_work()")
        return [row[0] for row in cursor.fetchall()]


def _store(job: DocumentJob, by: Actor) -> None:
    organisation = job.organisation_id
    trust = trust_now(organisation=organisation, by=by, trust=TrustState(job.trust))
    if trust is None:
        raise NoLongerAllowed
    prepared = prepare_document(organisation, _upload(job), trust)
    # before the transaction, which the refusal ends
    refuse_secrets(organisation, by, [prepared.secrets])
    with tenant_transaction(organisation), raw_cursor() as cursor:
        if cursor.execute(LOCK_WAITING_JOB, (organisation, job.id)).fetchone() is None:
            return  # the lease expired, and another worker has stored it
        if trust_now(organisation=organisation, by=by, trust=TrustState(job.trust)) is not trust:
            raise JustStored  # the caller's scopes have changed meanwhile: retry
        stored = commit_document(organisation=organisation, by=by, prepared=prepared)
        status = 201 if stored.outcome is DocumentOutcome.STORED else 200
        # ids and figures only: what the document says is in the document
        result = {name: value for name, value in stored.as_json().items() if name != "title"}
        cursor.execute(FINISH_JOB, (status, json.dumps(result), organisation, job.id))


def _upload(job: DocumentJob) -> Upload:
    options = dict(job.options)
    wanted = options.pop("visible_to", None)
    visible_to = VisibleTo(tuple(wanted["groups"]), wanted["principal"]) if wanted else None
    return Upload(content=bytes(job.file), visible_to=visible_to, **options)


def _refusal(error: LiftosError) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = {"code": error.code, "detail": error.message}
    if error.loc:
        body["field"] = ".".join(str(part) for part in error.loc)
    return error.status, {"error": body | getattr(error, "extensions", {})}


def _finish(job: DocumentJob, status: int, result: dict[str, Any]) -> None:
    with tenant_transaction(job.organisation_id), raw_cursor() as cursor:
        cursor.execute(FINISH_JOB, (status, json.dumps(result), job.organisation_id, job.id))


def _end_lease(job: DocumentJob, *, uncounted: bool) -> None:
    with tenant_transaction(job.organisation_id), raw_cursor() as cursor:
        cursor.execute(END_LEASE, (int(uncounted), job.organisation_id, job.id))
