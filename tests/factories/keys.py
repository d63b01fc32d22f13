"""Additional keys of a caller's organisation, and changes to them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import ApiKey
from liftos.kernel.tenancy.operations import create_api_key, revoke_api_key
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Scope
from tests.factories.callers import Caller


def with_key(caller: Caller, *scopes: Scope) -> tuple[Caller, ApiKey]:
    """Return the caller with a new key, and the key; without `scopes`, it has all."""
    key, token = create_api_key(
        organisation=caller.organisation, by=SYSTEM, scopes=frozenset(scopes or ALL_SCOPES)
    )
    return replace(caller, token=token), key


def change(key: ApiKey, **fields: Any) -> None:
    with tenant_transaction(key.organisation_id):
        row = ApiKey.objects.get(id=key.id)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()


def revoke(key: ApiKey) -> None:
    revoke_api_key(organisation=key.organisation_id, by=SYSTEM, key=key.id, now=timezone.now())


def expire(key: ApiKey) -> None:
    change(key, expires_at=timezone.now() - timedelta(seconds=1))


def narrow(key: ApiKey) -> None:
    """Reduce the key to the scopes for reading and running workflows."""
    change(key, scopes=[Scope.WORKFLOWS_RUN, Scope.MEMORY_READ])


def delete(key: ApiKey) -> None:
    with tenant_transaction(key.organisation_id):
        ApiKey.objects.get(id=key.id).delete()


ENDS = [revoke, expire, narrow, delete]
