"""`Idempotency-Key`: a request that was carried out is answered again, not done again.

The key is written in the transaction of what it guards, so there is never one without the other. Two requests under one key
at the same moment: the second waits for the first to commit, then answers as it did. A failed request leaves no key.
Kept is the answer to a write (ids and status); a search or any other read is never guarded. An answer that may quote what
callers have written is not kept: only its ids are, and it is rendered anew (`anew`). What is guarded in several transactions
(a bulk store) has a row for the whole of it, without a status, and one for each of them.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, overload
from uuid import UUID

from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict, InvalidInput, NotFound
from liftos.kernel.http.views import LiftosView
from liftos.kernel.tenancy.types import Principal

MAX_KEY = 200
IN_USE = "This Idempotency-Key is in use at this moment; try again."
REPLAYED = {"Idempotent-Replayed": "true"}
Handler = TypeVar("Handler", bound=Callable[..., Response])

_FIND = """
SELECT fingerprint, status, body FROM idempotency_idempotencykey
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
_CLAIM = """
INSERT INTO idempotency_idempotencykey (organisation_id, actor, key, fingerprint)
VALUES (%(organisation)s, %(actor)s, %(key)s, %(fingerprint)s) ON CONFLICT (organisation_id, actor, key) DO NOTHING
"""
_KEEP = """
UPDATE idempotency_idempotencykey SET status = %(status)s, body = %(body)s::jsonb
WHERE organisation_id = %(organisation)s AND actor = %(actor)s AND key = %(key)s
"""
_PRUNE = """
DELETE FROM idempotency_idempotencykey WHERE organisation_id = %s AND recorded_at < now() - %s * interval '1 hour'
"""


class KeyReused(Conflict):
    """This Idempotency-Key was used for another request."""

    code = "liftos.idempotency_key_reused"


@overload
def once(handler: Handler) -> Handler: ...
@overload
def once(*, anew: Callable[..., Response]) -> Callable[[Handler], Handler]: ...
def once(handler: Any = None, *, anew: Any = None) -> Any:
    """Make a view's handler answer again, and not do again, what was carried out under the request's Idempotency-Key.

    Args:
        handler: of a view; all that it answers is kept, so it must answer ids, states and figures alone.
        anew: for a handler whose answer may quote texts: takes the view, the ids that were kept and what the URL names, and
            renders the answer from what is there now. Where that is gone, the ids are the answer.
    """
    if handler is None:
        return lambda handler: _guard(handler, anew)
    return _guard(handler, anew)


def _guard(handler: Any, anew: Any) -> Any:
    @wraps(handler)
    def guarded(self: LiftosView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = idempotency_key(request)
        if not key:
            return handler(self, request, *args, **kwargs)
        principal = self.principal
        values = {
            "organisation": principal.organisation,
            "actor": actor_of(principal),
            "key": key,
            "fingerprint": fingerprint(request, json.dumps(self.json, sort_keys=True).encode()),
        }
        with tenant_transaction(principal.organisation):
            found = recall(values)
        if found is None:
            self.warm_up()
            with tenant_transaction(principal.organisation):
                found = claim(values)
                if found is None:
                    response = handler(self, request, *args, **kwargs)
                    if response.status_code < 400:
                        kept = response.data if anew is None else ids_of(response.data)
                        body = {"body": kept, "etag": response.get("ETag")}
                        settle(values, status=response.status_code, body=body)
                    return response
        status, kept = found
        if status is None:
            raise KeyReused(IN_USE)
        return _replay(status, kept or {}, anew and (lambda ids: anew(self, ids, *args, **kwargs)))

    return guarded


def ids_of(answer: Any) -> dict[str, Any]:
    """Return the ids that an answer names at its top, or in a compat envelope's data: what a key keeps of one that quotes."""
    named = answer.get("data", answer) if isinstance(answer, dict) else {}
    return {name: value for name, value in named.items() if name == "id" or name.endswith("_id")}


def idempotency_key(request: Request) -> str:
    """Return the request's key, empty for none.

    Raises:
        InvalidInput: it is too long, or not of visible ASCII.
    """
    key = request.headers.get("idempotency-key", "").strip()
    if len(key) > MAX_KEY or not all("\x20" <= character <= "\x7e" for character in key):
        raise InvalidInput(
            f"An Idempotency-Key is at most {MAX_KEY} characters of ASCII.", loc=("header", "idempotency-key")
        )
    return key


def actor_of(principal: Principal) -> str:
    """Return whose key it is: each credential has its own."""
    return f"{principal.actor.kind}:{principal.actor.id}"


def fingerprint(request: Request, body: bytes) -> bytes:
    """Return what a request is known by, 32 bytes: method, path, query, version and body."""
    parts = (request.method or "", request._request.get_full_path(), request.headers.get("if-match", ""))
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass") + b"\x00" + body).digest()


def recall(values: dict[str, Any]) -> tuple[int | None, Any] | None:
    """Return how a key was answered, None for a key that was not used; inside the tenant transaction.

    Args:
        values: organisation, actor, key, fingerprint.

    Raises:
        KeyReused: it stood for another request.
    """
    with raw_cursor() as cursor:
        row = cursor.execute(_FIND, values).fetchone()
    if row is None:
        return None
    if bytes(row[0]) != values["fingerprint"]:
        raise KeyReused(loc=("header", "idempotency-key"))
    body = row[2]
    while isinstance(body, str):  # JSON, written as a text in JSON
        body = json.loads(body)
    return row[1], body


def claim(values: dict[str, Any]) -> tuple[int | None, Any] | None:
    """Take a key, waiting for whoever holds it at this moment; return how it was answered where it was used before.

    Raises:
        KeyReused: it stood for another request, or was let go of just now.
    """
    with raw_cursor() as cursor:
        if cursor.execute(_CLAIM, values).rowcount:
            return None
    found = recall(values)
    if found is None:
        raise KeyReused(IN_USE)
    return found


def settle(values: dict[str, Any], *, status: int, body: Any) -> None:
    """Write the answer to a key that was claimed, in the same transaction."""
    with raw_cursor() as cursor:
        # as a text: jsonb would put the keys of an object in another order, and the old platform's envelope has one
        cursor.execute(_KEEP, values | {"status": status, "body": json.dumps(json.dumps(body))})


def keep(values: dict[str, Any], *, status: int, body: Any) -> None:
    """Write a key with its answer; inside the transaction that it guards.

    Raises:
        KeyReused: somebody else has used it at this moment.
    """
    if claim(values) is not None:
        raise KeyReused(IN_USE)
    settle(values, status=status, body=body)


def _replay(status: int, kept: dict[str, Any], anew: Callable[[Any], Response] | None) -> Response:
    body = kept.get("body")
    if anew is not None:
        try:
            body = anew(body or {}).data
        except NotFound:
            body = ids_of(body)
    headers = REPLAYED | ({"ETag": kept["etag"]} if kept.get("etag") else {})
    return Response(body, status=status, headers=headers)


def prune(*, organisation: UUID, hours: float) -> int:
    """Forget an organisation's keys that are older than so many hours; return how many."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        return cursor.execute(_PRUNE, (organisation, hours)).rowcount


def list_organisations_with_stale_keys(hours: float) -> list[UUID]:
    """Return the organisations that have keys older than so many hours. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT liftos_organisations_with_keys_before(now() - %s * interval '1 hour')", [hours]
        )
        return [row[0] for row in cursor.fetchall()]
