"""Grants staff the permissions of their role in the open organisation."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User

from liftos.kernel.db.transactions import current_organisation
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.roles import SHARED_APPS, role_may
from liftos.kernel.tenancy.types import Role

ADMINISTERED_APPS = SHARED_APPS | {"tenancy"}
_KEPT = "_liftos_roles"
_OPENED = "_liftos_opened"


def open_for(user: Any, organisation: UUID, role: Role | None) -> None:
    """Note the organisation that a user has opened, with their role there, which counts for what a page does before its transaction."""
    # on the account itself: request.user is a lazy wrapper with a dictionary of its own
    setattr(user, _OPENED, organisation)
    setattr(user, _KEPT, {organisation: role})


def let_only_read(user: Any) -> None:
    """Withhold from a page all rights to change what is in the organisation: forms and buttons do not reach what break-glass opens.

    Members, groups, keys and break-glass itself stay, as nothing of them is anybody's own.
    """
    may = user.has_perm

    def may_read(perm: str, obj: Any = None) -> bool:
        app, _, name = perm.partition(".")
        return (name.startswith("view_") or app in ADMINISTERED_APPS) and bool(may(perm, obj))

    # superusers ask no backend
    user.has_perm = may_read


def role_of(user: Any) -> Role | None:
    """Return a user's role in the organisation of the current transaction, before a page's in the opened one; or None."""
    organisation = current_organisation() or user.__dict__.get(_OPENED)
    if organisation is None or not user.is_active or not user.is_staff:
        return None
    # cached on the user object, which lives as long as its request
    kept: dict[Any, Role | None] = user.__dict__.setdefault(_KEPT, {})
    if organisation not in kept:
        found = Membership.objects.filter(user_id=user.pk, organisation_id=organisation).values_list(
            "role", flat=True
        )
        kept[organisation] = next((Role(each) for each in found), None)
    return kept[organisation]


class RoleBackend(BaseBackend):
    """Permissions by role, in addition to those of Django's backend."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether the user's role has the permission."""
        del obj
        role = role_of(user_obj)
        return role is not None and role_may(role, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return whether the user may see an app: every role may read."""
        return app_label not in SHARED_APPS and role_of(user_obj) is not None


def may_review(*, username: str) -> bool:
    """Return whether an account can be assigned reviews in the organisation of the current transaction."""
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    return user is not None and user.has_perm("accountability.change_reviewcase")
