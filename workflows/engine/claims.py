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
from workflows.engine.statements import CLAIM, CLAIM_IN_TURN, RENEW_LEASES

_HOST = socket.gethostname()[:60]

_ANYWHERE = CLAIM.format(among="")
_IN_RUN = CLAIM.format(among="AND s.run_id = %(run)s")


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
        cursor.execute(CLAIM_IN_TURN, [str(organisation)])
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
        return cursor.execute(RENEW_LEASES, values).rowcount
