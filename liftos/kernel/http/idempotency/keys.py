"""Idempotency keys: claimed and settled in the transaction they guard, so neither exists without the other."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.http.idempotency import statements

IN_USE = "A request with this Idempotency-Key is in progress; try again."


class KeyReused(Conflict):
    """This Idempotency-Key was used for a different request."""

    code = "liftos.idempotency_key_reused"


class Kept(NamedTuple):
    """A stored answer: its status (None if parts of the request have their own keys) and its ids."""

    status: int | None
    body: Any


def ids_of(answer: Any) -> dict[str, Any]:
    """Return the ids at the top level of an answer, or in a compat envelope's data; not external ids, which callers choose."""
    named = answer.get("data", answer) if isinstance(answer, dict) else {}
    return {
        name: value
        for name, value in named.items()
        if name == "id" or (name.endswith("_id") and name != "external_id")
    }


def recall(values: dict[str, Any]) -> Kept | None:
    """Return the answer stored under a key, or None; inside the tenant transaction.

    Args:
        values: organisation, actor, key, fingerprint.

    Raises:
        KeyReused: the key belongs to a different request.
    """
    row = raw_cursor().execute(statements.FIND, values).fetchone()
    if row is None:
        return None
    if bytes(row[0]) != values["fingerprint"]:
        raise KeyReused(loc=("header", "idempotency-key"))
    return Kept(row[1], _read(row[2]))


def claim(values: dict[str, Any]) -> Kept | None:
    """Claim a key, waiting for a transaction that holds it; return the stored answer if it was used before, else None.

    Raises:
        KeyReused: the key belongs to a different request, or its holder has just rolled back.
    """
    if raw_cursor().execute(statements.CLAIM, values).rowcount:
        return None
    found = recall(values)
    if found is None:
        raise KeyReused(IN_USE)
    return found


def release(values: dict[str, Any]) -> None:
    """Give up a claimed key, in the same transaction: its request failed."""
    raw_cursor().execute(statements.RELEASE, values)


def settle(values: dict[str, Any], *, status: int, body: Any) -> None:
    """Store the answer under a claimed key, in the same transaction."""
    # as a JSON string: jsonb would reorder the keys of the compat envelope
    raw_cursor().execute(statements.KEEP, values | {"status": status, "body": json.dumps(json.dumps(body))})


def scrub(*, organisation: UUID, actor: str, key: str, body: Any) -> None:
    """Remove everything but the ids from a stored answer; inside the erasing transaction."""
    kept = _read(body)
    body = {"body": ids_of(kept.get("body"))} if isinstance(kept, dict) else {}
    values = {"organisation": organisation, "actor": actor, "key": key, "body": json.dumps(body)}
    raw_cursor().execute(statements.SCRUB, values)


def _read(body: Any) -> Any:
    while isinstance(body, str):  # stored as a JSON string
        body = json.loads(body)
    return body


def prune(*, organisation: UUID, hours: float) -> int:
    """Delete an organisation's keys older than `hours`; return how many."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        return cursor.execute(statements.PRUNE, (organisation, hours)).rowcount


def list_organisations_with_stale_keys(hours: float) -> list[UUID]:
    """Return the organisations with keys older than `hours`."""
    with connection.cursor() as cursor:
        cursor.execute(statements.STALE, [hours])
        return [row[0] for row in cursor.fetchall()]
