"""Screen the free text of requests that store something other than memories. Fills `liftos.kernel.ports.text_screener`."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, current_viewer
from liftos.kernel.tenancy.types import Actor
from memory.operations import secret_refused
from memory.policies import read_secrets_policy
from memory.policy_types import Secrets
from memory.secrets.screening import screen_json
from memory.types import Screened


def screen_body(
    organisation: UUID, by: Actor, body: Any, fields: Collection[str] | None, *, is_name: bool = False
) -> Any:
    """Return a request's body as it may be stored, without secrets under `redact`; secrets that were found are on record.

    Args:
        organisation: the tenant.
        by: who sent it.
        body: parsed JSON.
        fields: the fields to screen; None for all.
        is_name: whether the texts are names, which are refused under `redact` too: others use the same ones.

    Raises:
        SecretRefused: it has secrets, and the policy is to refuse these.
    """
    if fields is not None:
        body_of = body if isinstance(body, dict) else {}
        screened = {name: body_of[name] for name in fields if name in body_of}
    else:
        screened = body
    clean, found = screen_json(screened)
    if not found:
        return body
    policy = read_secrets_policy(organisation)
    if policy is Secrets.ALLOW:
        return body
    if is_name and policy is Secrets.REDACT:
        policy = Secrets.REFUSE
    what = Screened(str(policy), found)
    with tenant_transaction(organisation):
        _record(organisation, by, what)
    if what.is_refused:
        raise secret_refused(what)
    if what.is_flagged:
        return body
    return clean if fields is None else {**body, **clean}


def _record(organisation: UUID, by: Actor, what: Screened) -> None:
    done = {"flag": "stored as it is", "redact": "replaced by marks"}.get(what.policy, "not stored")
    kinds = ", ".join(dict.fromkeys(kind for _, kind in what.found))
    record(
        organisation=organisation,
        by=by,
        operation="memory.screen_request",
        effect=Effect.READ,
        reasoning=f"The request has secrets ({kinds}): {done}.",
        inputs={"policy": what.policy},
        outputs={"secrets": what.listed},
        # names of fields may be the caller's words
        scope_id=current_viewer().own or ORGANISATION_SCOPE,
    )
