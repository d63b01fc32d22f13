"""Decision records of what staff do in the admin, in the log of the open organisation."""

import logging
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from liftos.kernel.admin.parts import CheckedLists
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import Actor, ActorKind

logger = logging.getLogger("liftos.kernel.admin.parts")


def staff_actor(request: HttpRequest) -> Actor:
    """Return the signed-in person as the actor of an operation."""
    return Actor(ActorKind.STAFF, request.user.get_username())


def record_entry(request: HttpRequest, organisation: Organisation) -> None:
    """Record that a staff member opened an organisation; inside its transaction."""
    person = request.user.get_username()
    right = "as a superuser" if request.user.is_superuser else "as a member"
    decision_recorder()(
        organisation=organisation.id,
        by=staff_actor(request),
        operation="admin.enter",
        effect="read",
        subject=("organisation", str(organisation.id)),
        reasoning=f"{person} opened {organisation.slug} in the admin, {right}.",
        inputs={"superuser": request.user.is_superuser},
    )


class OnRecord(CheckedLists):
    """Mixin that records every addition, change and deletion in the transaction that makes it.

    Records go to the log of the open organisation, whatever organisation the object belongs to, because an admin page
    runs in one organisation's transaction. They name changed fields but not values, which may be passwords.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record an addition."""
        _record(request, "admin.add", "added", obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record a change."""
        _record(request, "admin.change", "changed", obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Record deletions."""
        for obj in queryset:
            _record(request, "admin.delete", "deleted", obj, "")
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _record(request: HttpRequest, operation: str, verb: str, obj: Model, message: Any) -> None:
    kind = obj._meta.verbose_name or obj._meta.model_name or ""
    organisation = getattr(request, "organisation", None)
    if organisation is None:
        # before the first organisation there is no log to write to
        logger.warning(
            "admin action not recorded: no organisation is open",
            extra={"operation": operation, "kind": str(kind)},
        )
        return
    changed = sorted(_fields(message))
    what = f" ({', '.join(changed)})" if changed else ""
    decision_recorder()(
        organisation=organisation.id,
        by=staff_actor(request),
        operation=operation,
        effect="delete" if verb == "deleted" else "write",
        risk_class="limited",
        subject=(str(kind)[:50], str(obj.pk)),
        reasoning=f"{request.user.get_username()} {verb} the {kind} {obj}{what} in the admin.",
        inputs={"changed": changed},
        outputs={"name": str(obj)},
    )


def _fields(message: Any) -> set[str]:
    """Return the field names in Django's change message."""
    if not isinstance(message, list):
        return {message} if message else set()
    return {
        str(field)
        for entry in message
        if isinstance(entry, dict)
        for what in entry.values()
        if isinstance(what, dict)
        for field in what.get("fields", [])
    }
