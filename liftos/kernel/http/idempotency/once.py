"""`Idempotency-Key`: a request that was carried out is answered again, not done again.

A guarded request has two halves. *Prepare* embeds, calls out and validates, outside of any transaction. *Commit*, the view's handler,
writes: in one transaction with the key, so there is never one without the other. A replay is answered from the key before
anything is prepared. Of two requests under one key at the same moment both may prepare; the second waits for the first to
commit, then answers as it did. A failed request leaves no key.

A key keeps the status and the ids of the answer. An answer that may quote what callers have written is rendered anew (`anew`).
Searches and other reads are never guarded. A bulk store, which commits several times, has a key for the whole of it, without a
status, and one for each of its transactions.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, overload

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, NotFound
from liftos.kernel.http.idempotency.keys import IN_USE, Kept, KeyReused, claim, ids_of, recall, settle
from liftos.kernel.http.views import LiftosView
from liftos.kernel.tenancy.types import Principal

MAX_KEY = 200
REPLAYED = {"Idempotent-Replayed": "true"}
Handler = TypeVar("Handler", bound=Callable[..., Response])


@overload
def once(handler: Handler) -> Handler: ...
@overload
def once(
    *, prepare: Callable[..., Any] | None = None, anew: Callable[..., Response] | None = None
) -> Callable[[Callable[..., Response]], Callable[..., Response]]: ...
def once(handler: Any = None, *, prepare: Any = None, anew: Any = None) -> Any:
    """Make a view's handler answer again, and not do again, what was carried out under the request's Idempotency-Key.

    Args:
        handler: commits; under a key inside the transaction that keeps it. Without `anew` its whole answer is kept, so that must
            be ids, states and figures alone.
        prepare: takes the view and the URL's parameters, runs outside of any transaction, with or without a key; the handler is
            given its result as `prepared`.
        anew: takes the view, the kept ids and the URL's parameters, and renders the answer from what is there now. Where that is
            gone, the ids are the answer.
    """
    if handler is None:
        return lambda handler: _guard(handler, prepare, anew)
    return _guard(handler, prepare, anew)


def _guard(handler: Any, prepare: Any, anew: Any) -> Any:
    @wraps(handler)
    def guarded(self: LiftosView, request: Request, *args: Any, **kwargs: Any) -> Response:
        def replay(kept: Kept) -> Response:
            return _replay(kept, anew and (lambda ids: anew(self, ids, *args, **kwargs)))

        key, organisation = idempotency_key(request), self.principal.organisation
        values = {
            "organisation": organisation,
            "actor": actor_of(self.principal),
            "key": key,
            "fingerprint": fingerprint(request, json.dumps(self.json, sort_keys=True).encode())
            if key
            else b"",
        }
        if key:
            with tenant_transaction(organisation):
                found = recall(values)
            if found is not None:
                return replay(found)
        ready = {} if prepare is None else {"prepared": prepare(self, *args, **kwargs)}
        if not key:
            return handler(self, request, *args, **kwargs, **ready)
        with tenant_transaction(organisation):
            found = claim(values)
            if found is None:
                response = handler(self, request, *args, **kwargs, **ready)
                body = response.data if anew is None else ids_of(response.data)
                kept = {"body": body, "etag": response.get("ETag")}
                settle(values, status=response.status_code, body=kept)
                return response
        return replay(found)

    return guarded


def _replay(kept: Kept, anew: Callable[[Any], Response] | None) -> Response:
    if kept.status is None:
        raise KeyReused(IN_USE)
    body, etag = kept.body.get("body"), kept.body.get("etag")
    if anew is not None:
        try:
            body = anew(body or {}).data
        except NotFound:
            body = ids_of(body)
    return Response(body, status=kept.status, headers=REPLAYED | ({"ETag": etag} if etag else {}))


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
    """Return what identifies a request, 32 bytes: method, path, query, version and body."""
    parts = (request.method or "", request._request.get_full_path(), request.headers.get("if-match", ""))
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass") + b"\x00" + body).digest()
