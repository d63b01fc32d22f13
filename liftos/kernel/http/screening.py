"""Secrets in what a request leaves behind: its body, whom it says it acts for, and names and reasons in its query string."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django.http import HttpRequest

from liftos.kernel.ports import text_screener
from liftos.kernel.tenancy.types import Actor, ActorKind, Principal

USER = "user_id"
STORED_PARAMETERS = ("name", "reason")
"""Parameters of the query string that are stored by routes that write."""


def screen_request(
    request: HttpRequest, caller: Principal, body: Any, *, stores: bool, fields: Collection[str] | None
) -> Any:
    """Return a request's body as it may be stored, by the organisation's policy for secrets.

    Whom a request says it acts for is recorded even if it only reads. Nothing stands for a part of a name, so names with secrets are
    refused where others are replaced.

    Args:
        request: for its headers and its query string.
        caller: who sent it.
        body: parsed JSON; None without one.
        stores: whether the route writes.
        fields: the fields to screen; None for all.

    Raises:
        LiftosError: the policy refuses what was found.
    """
    organisation, by = caller.organisation, caller.actor
    if named := _names(request, body, stores=stores):
        text_screener()(organisation, _unnamed(by), named, None, is_name=True)
    return text_screener()(organisation, by, body, fields) if stores and body is not None else body


def _names(request: HttpRequest, body: Any, *, stores: bool) -> dict[str, Any]:
    query = request.GET
    found: dict[str, Any] = {
        each: query[each] for each in (USER, *(STORED_PARAMETERS if stores else ())) if each in query
    }
    if isinstance(body, dict) and isinstance(body.get(USER), str | int):
        found[USER] = body[USER]
    if user := request.headers.get("x-user-id"):
        found["x-user-id"] = user
    return found


def _unnamed(by: Actor) -> Actor:
    """Return the actor without the name that is not screened yet."""
    if by.kind is ActorKind.GATEWAY:
        return Actor(by.kind, "gateway")
    return replace(by, on_behalf_of="")
