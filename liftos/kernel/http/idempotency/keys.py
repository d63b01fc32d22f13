"""Idempotency keys: taken and answered in the transaction that they guard, so there is never one without the other."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.http.idempotency import statements

IN_USE = "This Idempotency-Key is in use at this moment; try again."


class KeyReused(Conflict):
    """This Idempotency-Key was used for another request."""

    code = "liftos.idempotency_key_reused"


class Kept(NamedTuple):
    """What a key keeps: the answer's status, None where parts of the work have keys of their own, and its ids."""

    status: int | None
    body: Any


def ids_of(answer: Any) -> dict[str, Any]:
    """Return the ids at the top of an answer, or in an old envelope's data; an external id is a caller's words, not one of ours."""
    named = answer.get("data", answer) if isinstance(answer, dict) else {}
    return {
        name: value
        for name, value in named.items()
        if name == "id" or (name.endswith("_id") and name != "external_id")
    }


def recall(values: dict[str, Any]) -> Kept | None:
    """Return how a key was answered, None for an unused key; inside the tenant transaction.

    Args:
        values: organisation, actor, key, fingerprint.

    Raises:
        KeyReused: it stood for another request.
    """
    with raw_cursor() as cursor:
        row = cursor.execute(statements.FIND, values).fetchone()
    if row is None:
        return None
    if bytes(row[0]) != values["fingerprint"]:
        raise KeyReused(loc=("header", "idempotency-key"))
    return Kept(row[1], _read(row[2]))


def claim(values: dict[str, Any]) -> Kept | None:
    """Take a key, waiting for a transaction that holds it; return how it was answered where it was used before.

    Raises:
        KeyReused: it stood for another request, or its holder has just rolled back.
    """
    with raw_cursor() as cursor:
        if cursor.execute(statements.CLAIM, values).rowcount:
            return None
    found = recall(values)
    if found is None:
        raise KeyReused(IN_USE)
    return found


def settle(values: dict[str, Any], *, status: int, body: Any) -> None:
    """Write the answer to a key that was claimed, in the same transaction."""
    with raw_cursor() as cursor:
        # as a text: jsonb would put the keys of an object in another order, and the old envelope has one
        cursor.execute(statements.KEEP, values | {"status": status, "body": json.dumps(json.dumps(body))})


def scrub(*, organisation: UUID, actor: str, key: str, body: Any) -> None:
    """Take everything but the ids out of a kept answer; inside the erasing transaction."""
    kept = _read(body)
    body = {"body": ids_of(kept.get("body"))} if isinstance(kept, dict) else {}
    values = {"organisation": organisation, "actor": actor, "key": key, "body": json.dumps(body)}
    with raw_cursor() as cursor:
        cursor.execute(statements.SCRUB, values)


def _read(body: Any) -> Any:
    while isinstance(body, str):  # JSON, written as a text in JSON
        body = json.loads(body)
    return body


def prune(*, organisation: UUID, hours: float) -> int:
    """Delete an organisation's keys that are older than so many hours; return how many."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        return cursor.execute(statements.PRUNE, (organisation, hours)).rowcount


def list_organisations_with_stale_keys(hours: float) -> list[UUID]:
    """Return the organisations that have keys older than so many hours."""
    with connection.cursor() as cursor:
        cursor.execute(statements.STALE, [hours])
        return [row[0] for row in cursor.fetchall()]
