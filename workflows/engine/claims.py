"""Claiming steps: the most urgent ready one, within the organisation's concurrency limit, under a lease by the database's clock.

Claims of an organisation are serialised by an advisory lock, so that two can't both take the last free slot. A child that is
handed over takes the slot of the step that ended, without counting.
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
from workflows.engine.statements import CLAIM, CLAIM_IN_TURN, RENEW_LEASES

_HOST = socket.gethostname()[:60]

_ANYWHERE = CLAIM.format(among="")
_IN_RUN = CLAIM.format(among="AND s.run_id = %(run)s")


@dataclass(frozen=True, slots=True)
class Claim:
    """A step claimed by this worker.

    Attributes:
        item: index in a map's list; -1 for a step of the definition.
        function: with version; empty if the step calls nothing.
        attempt: number of this claim.
        token: identifies the claim; required to complete the step.
        value: an item's element of the list.
        retries: number of earlier failures.
        approved: whether a person has approved the step.
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
        """The idempotency key of the step's external effects; the same for every attempt."""
        return f"{self.run}/{self.name}" + (f"/{self.item}" if self.item >= 0 else "")


def worker_name() -> str:
    """Return this process's name in claims: host and process id."""
    return f"{_HOST}:{os.getpid()}"


def lease_values() -> dict[str, Any]:
    """Return the parameters shared by all claiming statements."""
    return {
        "lease": settings.LIFTOS_WORKFLOW_LEASE_SECONDS,
        "worker": worker_name(),
        "known": _as_array(tuple(known_keys())),
    }


@lru_cache(maxsize=8)
def _as_array(keys: tuple[str, ...]) -> str:
    """Return function keys as a Postgres text[] literal, including the empty one for steps without a function."""
    return json.dumps(["", *keys]).replace("[", "{", 1)[:-1] + "}"


def claim_next(*, organisation: UUID, run: UUID | None = None) -> Claim | None:
    """Claim the most urgent, oldest ready step, or None if there is none or the concurrency limit is reached.

    Only steps whose functions this process knows are claimed; with `run`, only steps of this run.
    """
    with tenant_pipeline(organisation):
        return claim_within(organisation=organisation, run=run)


def claim_within(*, organisation: UUID, run: UUID | None = None) -> Claim | None:
    """Like `claim_next`, but inside the caller's tenant transaction."""
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
    raw_cursor().execute(CLAIM_IN_TURN, [str(organisation)])
    row = raw_cursor().execute(statement, values).fetchone()
    return None if row is None else claim_from(organisation, token, row)


def claim_from(organisation: UUID, token: UUID, row: Any) -> Claim:
    """Return a claim from its columns: run, step, name, item, function, attempt, value, retries, approved."""
    run, step, name, item, function, attempt, value, retries, approved = row
    if isinstance(value, str):
        value = json.loads(value)
    return Claim(organisation, run, step, name, item, function, attempt, token, value, retries, approved)


def renew(*, organisation: UUID, tokens: list[UUID]) -> int:
    """Renew the leases of claims; return the number of claims still held."""
    values = {
        "organisation": organisation, "tokens": tokens, "lease": settings.LIFTOS_WORKFLOW_LEASE_SECONDS,
    }  # fmt: skip
    with tenant_transaction(organisation), raw_cursor() as cursor:
        return cursor.execute(RENEW_LEASES, values).rowcount
