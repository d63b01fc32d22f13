"""Taking steps: the most urgent ready one, within the organisation's limit, under a lease by the database's clock.

Taking holds one lock of the organisation for as long as it commits, so that two who count at the same moment can't both find
the last free place. A child that is handed over takes the place of the step that ended: nothing is counted there.
"""

import json
import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline, tenant_transaction
from liftos.kernel.functions import known_keys
from liftos.kernel.ids import new_id

_HOST = socket.gethostname()[:60]

_ONE_AT_A_TIME = """
SELECT pg_advisory_xact_lock(hashtextextended('workflows.claim:' || %s, 0)), set_config('enable_seqscan', 'off', true)
"""
# {among} narrows it to one run, for a caller who waits for that
_CLAIM = """
WITH room AS (
    SELECT coalesce(
        (SELECT p.concurrency FROM workflows_policy AS p WHERE p.organisation_id = %(organisation)s), %(limit)s
    ) - (
        SELECT count(*) FROM workflows_step AS l WHERE l.organisation_id = %(organisation)s AND l.token IS NOT NULL
    ) AS free
), picked AS (
    SELECT s.id FROM workflows_step AS s
    WHERE s.organisation_id = %(organisation)s AND s.status = 'ready' AND s.function = ANY(%(known)s::text[])
      AND (SELECT free FROM room) > 0 {among}
    ORDER BY s.priority, s.run_at, s.id LIMIT 1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE workflows_step AS s
    SET status = 'running', token = %(token)s, worker = %(worker)s, attempt = s.attempt + 1,
        started_at = clock_timestamp(), lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    FROM picked WHERE s.organisation_id = %(organisation)s AND s.id = picked.id
    RETURNING s.run_id, s.id, s.name, s.item, s.function, s.attempt, s.value, s.retries, s.approval IS NOT NULL
), noted AS (
    INSERT INTO workflows_transition (organisation_id, run_id, step_id, before, after, attempt, reason, worker, at)
    SELECT %(organisation)s, run_id, id, 'ready', 'running', attempt, '', %(worker)s, clock_timestamp() FROM claimed
)
SELECT * FROM claimed
"""
_ANYWHERE = _CLAIM.format(among="")
_IN_RUN = _CLAIM.format(among="AND s.run_id = %(run)s")
_RENEW = """
UPDATE workflows_step SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
WHERE organisation_id = %(organisation)s AND token = ANY(%(tokens)s) AND status = 'running'
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A step that this worker carries out.

    Attributes:
        item: its number in the list of a map, -1 for a step of the definition.
        function: with version; empty where nothing is called.
        attempt: which claim of the step this is.
        token: what its completion must name.
        value: the element of the list, for an item.
        retries: how often it failed before.
        approved: a person has let it go on.
    """

    organisation: UUID
    run: UUID
    step: UUID
    name: str
    item: int
    function: str
    attempt: int
    token: UUID | None
    value: Any = None
    retries: int = 0
    approved: bool = False

    @property
    def key(self) -> str:
        """What its effects outside are known by; the same at each attempt."""
        return f"{self.run}/{self.name}" + (f"/{self.item}" if self.item >= 0 else "")


def worker_name() -> str:
    """Return what claims of this process are signed with: host and process id."""
    return f"{_HOST}:{os.getpid()}"


def lease_values() -> dict[str, Any]:
    """Return what every statement that claims takes."""
    return {
        "lease": settings.LIFTOS_WORKFLOW_LEASE_SECONDS,
        "worker": worker_name(),
        "known": _as_array(tuple(known_keys())),
    }


@lru_cache(maxsize=8)
def _as_array(keys: tuple[str, ...]) -> str:
    """Return function keys as Postgres reads a text[]: a step of an organisation is looked at with it every time.

    A step without a function needs none; one that this process does not know is left to those who do.
    """
    return json.dumps(["", *keys]).replace("[", "{", 1)[:-1] + "}"


def claim_next(*, organisation: UUID, run: UUID | None = None) -> Claim | None:
    """Take the most urgent ready step, the oldest of several; None if there is none, or no place for one more.

    Args:
        organisation: whose.
        run: only of this run.
    """
    with tenant_pipeline(organisation):
        return claim_within(organisation=organisation, run=run)


def claim_within(*, organisation: UUID, run: UUID | None = None) -> Claim | None:
    """As `claim_next`, inside the caller's tenant transaction, whose commit makes it so."""
    token = new_id()
    values = lease_values() | {
        "organisation": organisation,
        "run": run,
        "token": token,
        "limit": settings.LIFTOS_WORKFLOW_CONCURRENCY,
    }
    statement = _ANYWHERE
    if run is None:
        del values["run"]
    else:
        statement = _IN_RUN
    with raw_cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [str(organisation)])
        row = raw_cursor().execute(statement, values).fetchone()
    return None if row is None else claim_from(organisation, token, row)


def claim_from(organisation: UUID, token: UUID, row: Any) -> Claim:
    """Return a claim from its columns: run, step, name, item, function, attempt, value, retries, approved."""
    run, step, name, item, function, attempt, value, retries, approved = row
    if isinstance(value, str):
        value = json.loads(value)
    return Claim(organisation, run, step, name, item, function, attempt, token, value, retries, approved)


def renew(*, organisation: UUID, tokens: list[UUID]) -> int:
    """Lengthen the leases of claims; return how many still were this worker's."""
    values = {
        "organisation": organisation, "tokens": tokens, "lease": settings.LIFTOS_WORKFLOW_LEASE_SECONDS,
    }  # fmt: skip
    with tenant_transaction(organisation), raw_cursor() as cursor:
        return cursor.execute(_RENEW, values).rowcount
