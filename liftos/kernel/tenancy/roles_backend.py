"""Gives members of staff the permissions of their role, in the organisation that is open and nowhere else."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User

from liftos.kernel.db.transactions import current_organisation
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.roles import SHARED_APPS, role_may
from liftos.kernel.tenancy.types import Role

_KEPT = "_liftos_roles"


def role_of(user: Any) -> Role | None:
    """Return the role that a person has in the organisation whose transaction this is; None for none."""
    organisation = current_organisation()
    if organisation is None or not user.is_active or not user.is_staff:
        return None
    # a user object lives as long as its request
    kept: dict[Any, Role | None] = user.__dict__.setdefault(_KEPT, {})
    if organisation not in kept:
        found = Membership.objects.filter(user_id=user.pk, organisation_id=organisation).values_list(
            "role", flat=True
        )
        kept[organisation] = next((Role(each) for each in found), None)
    return kept[organisation]


class RoleBackend(BaseBackend):
    """Beside Django's own backend, which gives what an account was granted by name."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the person's role has the permission."""
        del obj
        role = role_of(user_obj)
        return role is not None and role_may(role, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether the person may see anything of an app: every role reads."""
        return app_label not in SHARED_APPS and role_of(user_obj) is not None


def may_review(*, username: str) -> bool:
    """Tell whether an account can be given decisions to review in the organisation whose transaction this is."""
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    return user is not None and user.has_perm("accountability.change_reviewcase")
