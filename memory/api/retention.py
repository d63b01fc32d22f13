"""`/api/v1/retention`: how long memories are kept, and the legal holds that keep them longer."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.corrections import Correction
from memory.holds.operations import get_hold, list_holds, place_hold, release_hold
from memory.holds.types import MAX_HELD, HoldDraft
from memory.inputs import MAX_TTL, Reason, VisibleToIn, visible_to_of
from memory.models import LegalHold, RetentionRule
from memory.retention.operations import drop_rule, get_rule, list_rules, set_rule
from memory.retention.types import RetentionAction, RuleDraft
from memory.visibility import as_json, scope_of


def _named(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise ValueError("must have printable characters, at least one of them visible")
    return name


def _scope(organisation: UUID, wanted: VisibleToIn | None) -> int | None:
    """Return the access scope of memories that are visible to some, whether or not to the caller; None for all."""
    if wanted is None:
        return None
    with seeing_everything():
        return scope_of(organisation, visible_to_of(wanted))


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_named)]


class RuleIn(Strict):
    """A rule: memories of a type, a source and a visibility, null for all, expire or are erased `ttl_seconds` after they were recorded."""

    name: Name
    memory_type: str | None = Field(default=None, max_length=100)
    source: str | None = Field(default=None, max_length=100)
    visible_to: VisibleToIn | None = None
    ttl_seconds: float = Field(gt=0, le=MAX_TTL)
    action: RetentionAction = RetentionAction.EXPIRE

    def draft(self, organisation: UUID) -> RuleDraft:
        """Return the draft."""
        return RuleDraft(
            self.name,
            self.ttl_seconds,
            self.action,
            self.memory_type,
            self.source,
            _scope(organisation, self.visible_to),
        )


class RuleOut(BaseModel):
    """A rule."""

    id: UUID
    name: str
    memory_type: str | None
    source: str | None
    visible_to: str | dict[str, Any] | None
    ttl_seconds: float
    action: RetentionAction
    recorded_at: datetime


class RuleSet(RuleOut):
    """A rule, and the decision that set it."""

    decision_id: UUID


class HoldIn(Strict):
    """A hold on memories of a type, a source and a visibility, null for all, and if any are named, only on those."""

    name: Name
    reason: Reason = ""
    memory_type: str | None = Field(default=None, max_length=100)
    source: str | None = Field(default=None, max_length=100)
    visible_to: VisibleToIn | None = None
    memories: list[UUID] = Field(default_factory=list, max_length=MAX_HELD)

    def draft(self, organisation: UUID) -> HoldDraft:
        """Return the draft."""
        return HoldDraft(
            self.name,
            self.reason,
            self.memory_type,
            self.source,
            tuple(dict.fromkeys(self.memories)),
            _scope(organisation, self.visible_to),
        )


class HoldOut(BaseModel):
    """A legal hold."""

    id: UUID
    name: str
    reason: str
    memory_type: str | None
    source: str | None
    visible_to: str | dict[str, Any] | None
    memories: list[UUID]
    recorded_at: datetime


class HoldPlaced(HoldOut):
    """A legal hold, and the decision that placed it."""

    decision_id: UUID


class Ended(BaseModel):
    """The decision that deleted a rule or released a hold."""

    deleted: bool
    decision_id: UUID


def _rule(rule: RetentionRule) -> dict[str, Any]:
    return _fields(rule, RuleOut)


def _hold(hold: LegalHold) -> dict[str, Any]:
    return _fields(hold, HoldOut)


def _fields(row: RetentionRule | LegalHold, shape: type[BaseModel]) -> dict[str, Any]:
    visible_to = None if row.of_scope is None else as_json(row.organisation_id, row.of_scope)
    same = {name: getattr(row, name) for name in shape.model_fields if name != "visible_to"}
    return same | {"visible_to": visible_to}


def _set(rule: RetentionRule, decision: Any) -> dict[str, Any]:
    return RuleSet(**_rule(rule), decision_id=decision).model_dump(mode="json")


def _placed(hold: LegalHold, decision: Any) -> dict[str, Any]:
    return HoldPlaced(**_hold(hold), decision_id=decision).model_dump(mode="json")


def _set_again(view: NativeView, ids: dict[str, Any], **path: UUID) -> Response:
    del path
    with tenant_transaction(view.organisation):
        rule = get_rule(organisation=view.organisation, rule=UUID(ids["id"]))
    return Response(_set(rule, ids["decision_id"]))


def _placed_again(view: NativeView, ids: dict[str, Any]) -> Response:
    with tenant_transaction(view.organisation):
        hold = get_hold(organisation=view.organisation, hold=UUID(ids["id"]))
    return Response(_placed(hold, ids["decision_id"]))


class Rules(NativeView):
    """The organisation's retention rules."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.ADMIN}

    @described("retention_list", responses={200: page_of(RuleOut, is_only=True)})
    def get(self, request: Request) -> Response:
        """List the retention rules by name."""
        del request
        with tenant_transaction(self.organisation):
            rules = list_rules(organisation=self.organisation)
        shown = [RuleOut(**_rule(each)).model_dump(mode="json") for each in rules]
        return Response({"results": shown, "next": None})

    @described("retention_create", request=RuleIn, responses={201: RuleSet})
    @once(anew=_set_again)
    def post(self, request: Request) -> Response:
        """Create a retention rule. It applies to memories stored before too, from the next sweep on."""
        del request
        rule, decision = set_rule(**self.caller, draft=self.body(RuleIn).draft(self.organisation))
        return Response(_set(rule, decision), status=201)


class Rule(NativeView):
    """A retention rule."""

    scopes = {"PUT": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @described("retention_replace", request=RuleIn, responses={200: RuleSet})
    @once(anew=_set_again)
    def put(self, request: Request, rule: UUID) -> Response:
        """Replace a retention rule."""
        del request
        row, decision = set_rule(**self.caller, draft=self.body(RuleIn).draft(self.organisation), rule=rule)
        return Response(_set(row, decision))

    @described("retention_delete", responses={200: Ended})
    @once
    def delete(self, request: Request, rule: UUID) -> Response:
        """Delete a retention rule; what it has ended stays ended."""
        del request
        decision = drop_rule(**self.caller, rule=rule)
        return Response({"deleted": True, "decision_id": str(decision)})


class Holds(NativeView):
    """The organisation's legal holds."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.ADMIN}

    @described("holds_list", responses={200: page_of(HoldOut, is_only=True)})
    def get(self, request: Request) -> Response:
        """List the legal holds by name."""
        del request
        with tenant_transaction(self.organisation):
            holds = list_holds(organisation=self.organisation)
        shown = [HoldOut(**_hold(each)).model_dump(mode="json") for each in holds]
        return Response({"results": shown, "next": None})

    @described("holds_create", request=HoldIn, responses={201: HoldPlaced})
    @once(anew=_placed_again)
    def post(self, request: Request) -> Response:
        """Place a legal hold: its memories are neither erased nor expire until it is released."""
        del request
        hold, decision = place_hold(**self.caller, draft=self.body(HoldIn).draft(self.organisation))
        return Response(_placed(hold, decision), status=201)


class Hold(NativeView):
    """A legal hold."""

    scopes = {"DELETE": Scope.ADMIN}

    @described("holds_delete", request=Correction, responses={200: Ended})
    @once
    def delete(self, request: Request, hold: UUID) -> Response:
        """Release a legal hold."""
        del request
        reason = self.body(Correction).reason if self.json is not None else ""
        decision = release_hold(**self.caller, hold=hold, reason=reason)
        return Response({"deleted": True, "decision_id": str(decision)})
