"""`/api/v1/keys`: an organisation's API keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, PermissionDenied
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy import operations, principals
from liftos.kernel.tenancy.keys import expires_soon
from liftos.kernel.tenancy.models import ApiKey
from liftos.kernel.tenancy.types import Scope

DAY = 86_400


class KeyIn(Strict):
    """A key to create; by default it has the caller's scopes. `principal` is a name or an id."""

    name: str = Field(default="", max_length=100)
    scopes: list[Scope] | None = Field(default=None, min_length=1)
    principal: str | None = None
    expires_at: Moment | None = None


class Rotation(Strict):
    """The time for which both keys are valid, and the expiry of the new one."""

    overlap_seconds: int = Field(default=DAY, ge=0, le=90 * DAY)
    expires_at: Moment | None = None


class KeyOut(BaseModel):
    """A key without its secret; `token` is in the answer that creates it, and never again."""

    id: UUID
    prefix: str
    name: str
    scopes: list[Scope]
    principal: str | None
    created_at: datetime
    expires_at: datetime | None
    expires_soon: bool
    revoked_at: datetime | None
    last_used_at: datetime | None
    token: str | None = None


def shape(key: ApiKey, token: str | None = None) -> dict[str, Any]:
    """Return a key as JSON-ready values; inside a tenant transaction."""
    return KeyOut(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        scopes=[scope for scope in Scope if scope in key.scopes],
        principal=key.principal.name if key.principal else None,
        created_at=key.created_at,
        expires_at=key.expires_at,
        expires_soon=key.revoked_at is None and expires_soon(key.expires_at),
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        token=token,
    ).model_dump(mode="json")


class KeysView(NativeView):
    """A base of the views of keys."""

    def find(self, key: UUID) -> ApiKey:
        """Return a key of the organisation, also a revoked one; inside a tenant transaction."""
        found = (
            ApiKey.objects.select_related("principal")
            .filter(organisation_id=self.organisation, id=key)
            .first()
        )
        if found is None:
            raise operations.KeyNotFound
        return found

    def shown(self, key: UUID, token: str | None = None) -> dict[str, Any]:
        """Return a key as JSON-ready values."""
        with tenant_transaction(self.organisation):
            return shape(self.find(key), token)

    def require_no_more_than_own(self, scopes: Iterable[str]) -> None:
        """Refuse to hand out rights that the caller does not have.

        Raises:
            PermissionDenied: names the first such scope.
        """
        for each in sorted(scopes):
            if not self.principal.may(Scope(each)):
                raise PermissionDenied(f"A key can't give {each}, which the caller does not have.")


def in_future(moment: datetime | None) -> datetime | None:
    """Return an expiry time.

    Raises:
        InvalidInput: it has passed.
    """
    if moment is not None and moment <= timezone.now():
        raise InvalidInput("expires_at must be in the future.", loc=("expires_at",))
    return moment


class Keys(KeysView):
    """The keys of an organisation."""

    scopes = {"GET": Scope.ADMIN, "POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any]) -> Response:
        return Response(self.shown(UUID(ids["id"])))

    @described("keys_list", query=PageQuery, responses={200: page_of(KeyOut)})
    def get(self, request: Request) -> Response:
        """List keys, newest first, revoked and expired ones included; `expires_soon` within two weeks."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = ApiKey.objects.filter(organisation_id=self.organisation).order_by("-id")
            rows = rows.select_related("principal")
            if query.before is not None:
                rows = rows.filter(id__lt=query.before)
            found = list(rows[: query.limit + 1])
            results = [shape(each) for each in found]
        return Response(page(request._request, found, query.limit, results))

    @described("keys_create", request=KeyIn, responses={201: KeyOut})
    @once(anew=_answer_again)
    def post(self, request: Request) -> Response:
        """Create a key with at most the caller's scopes. Its `token` is in this answer only, and in no replay of it."""
        del request
        asked = self.body(KeyIn)
        scopes = self.principal.scopes if asked.scopes is None else frozenset(asked.scopes)
        self.require_no_more_than_own(scopes)
        whose = None
        if asked.principal is not None:
            whose = principals.find_principal(organisation=self.organisation, named=asked.principal).id
        key, token = operations.create_api_key(
            **self.caller,
            name=asked.name,
            scopes=scopes,
            expires_at=in_future(asked.expires_at),
            principal=whose,
        )
        return Response(self.shown(key.id, token), status=201)


class KeyDetail(KeysView):
    """One key."""

    scopes = {"GET": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @described("keys_get", responses={200: KeyOut})
    def get(self, request: Request, key: UUID) -> Response:
        """Return a key."""
        del request
        return Response(self.shown(key))

    @described("keys_revoke", responses={200: KeyOut})
    @once
    def delete(self, request: Request, key: UUID) -> Response:
        """Revoke a key: it is refused at once, in other processes within a second."""
        del request
        self.shown(key)
        operations.revoke_api_key(**self.caller, key=key, now=timezone.now())
        return Response(self.shown(key))


class KeyRotation(KeysView):
    """A key's successor."""

    scopes = {"POST": Scope.ADMIN}

    def _answer_again(self, ids: dict[str, Any], key: UUID) -> Response:
        del key
        return Response(self.shown(UUID(ids["id"])))

    @described("keys_rotate", request=Rotation, responses={201: KeyOut})
    @once(anew=_answer_again)
    def post(self, request: Request, key: UUID) -> Response:
        """Create a key like another, which is valid for `overlap_seconds` more. `token` is in this answer only."""
        del request
        asked = self.body(Rotation)
        with tenant_transaction(self.organisation):
            self.require_no_more_than_own(self.find(key).scopes)
        made, token = operations.rotate_api_key(
            **self.caller,
            key=key,
            overlap=timedelta(seconds=asked.overlap_seconds),
            now=timezone.now(),
            expires_at=in_future(asked.expires_at),
        )
        return Response(self.shown(made.id, token), status=201)
