"""`Idempotency-Key`: a repeated request gets the first one's answer instead of being executed again.

A guarded request has two parts. *Prepare* embeds, calls services and validates, outside any transaction. *Commit*, the view's
handler, writes in one transaction with the key, so neither exists without the other. A replay is answered from the key
before anything is prepared. Two concurrent requests with one key may both prepare; the second waits for the first to
commit, then gives the same answer. A failed request leaves no key.

A key stores the answer's status and ids. Answers that may quote callers' content are rendered again (`anew`). Reads are never
guarded. A bulk store, which commits several times, has one key for the whole request, without a status, and one per
transaction.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, overload

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, LiftosError, NotFound
from liftos.kernel.http.idempotency.keys import (
    IN_USE,
    Kept,
    KeyReused,
    claim,
    ids_of,
    recall,
    release,
    settle,
)
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
    """Make a view's handler idempotent under the request's Idempotency-Key.

    Args:
        handler: commits; with a key, inside the transaction that stores it. Without `anew`, its whole answer is stored, so that
            must contain only ids, states and figures.
        prepare: takes the view and the URL's parameters; runs outside any transaction, with or without a key. The handler gets
            its result as `prepared`.
        anew: takes the view, the stored ids and the URL's parameters, and renders the answer from the current state. If the
            object no longer exists, the ids are the answer.
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
                try:
                    response = handler(self, request, *args, **kwargs, **ready)
                except LiftosError as error:
                    if not error.keeps_record:
                        raise
                    release(values)
                    refused = error
                else:
                    body = response.data if anew is None else ids_of(response.data)
                    kept = {"body": body, "etag": response.get("ETag")}
                    settle(values, status=response.status_code, body=kept)
                    return response
        if found is None:
            raise refused
        return replay(found)

    # read by liftos.kernel.http.openapi
    vars(guarded)["takes_idempotency_key"] = True
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
    """Return the request's key, or "".

    Raises:
        InvalidInput: it is too long or not printable ASCII.
    """
    key = request.headers.get("idempotency-key", "").strip()
    if len(key) > MAX_KEY or not all("\x20" <= character <= "\x7e" for character in key):
        raise InvalidInput(
            f"An Idempotency-Key must be at most {MAX_KEY} printable ASCII characters.",
            loc=("header", "idempotency-key"),
        )
    return key


def actor_of(principal: Principal) -> str:
    """Return the owner of a key: the caller's credential, and whom it acts for; another principal never gets the kept answer."""
    owner = f"{principal.actor.kind}:{principal.actor.id}"
    return f"{owner}:{principal.viewer.principal}" if principal.viewer.principal else owner


def fingerprint(request: Request, body: bytes) -> bytes:
    """Return a SHA-256 digest of a request's method, path, query, version and body."""
    parts = (request.method or "", request._request.get_full_path(), request.headers.get("if-match", ""))
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass") + b"\x00" + body).digest()
