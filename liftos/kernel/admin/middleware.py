"""The admin looks at one organisation at a time: the one the person chose, inside its transaction."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve

from liftos.kernel.admin.on_record import record_entry
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.errors import BadRequest, answer_outside_views
from liftos.kernel.tenancy.models import Organisation

SESSION_KEY = "liftos_organisation"
# the organisation whose log says that this session has opened it
ENTERED_KEY = "liftos_entered"
PARAMETER = "_organisation"
# the page that makes an organisation is a transaction of that one, and of none before it is there
MAKES_ONE = "/admin/tenancy/organisation/add/"


def opened(request: HttpRequest) -> Organisation:
    """Return the organisation that is open on a page that works within one.

    Raises:
        RuntimeError: none is; such a page's views and buttons are not offered then.
    """
    organisation: Organisation | None = getattr(request, "organisation", None)
    if organisation is None:
        raise RuntimeError("no organisation is open")
    return organisation


def organisations_of(request: HttpRequest) -> list[Organisation]:
    """Return the organisations this person may open."""
    if request.user.is_superuser:
        return list(Organisation.objects.all())
    return list(Organisation.objects.filter(memberships__user__username=request.user.get_username()))


class AdminTenantMiddleware:
    """Opens the tenant transaction round every admin page of a signed-in member of staff."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve an admin page within an organisation, any other page as it is."""
        if request.path.startswith("/admin/") and _has_nul(request):
            return answer_outside_views(request.path, BadRequest())
        if not request.path.startswith("/admin/") or not request.user.is_staff:
            return self.get_response(request)
        allowed = organisations_of(request)
        if PARAMETER in request.GET:
            return self._choose(request, allowed)
        wanted = request.session.get(SESSION_KEY)
        chosen = next((each for each in allowed if str(each.id) == wanted), allowed[0] if allowed else None)
        if request.path == MAKES_ONE:
            chosen = None
        request.organisation = chosen  # type: ignore[attr-defined]
        request.organisations = allowed  # type: ignore[attr-defined]
        if chosen is None:
            return self.get_response(request)
        if request.session.get(ENTERED_KEY) != str(chosen.id):
            # apart from the page's transaction, which may be undone while the session says it is on record
            with tenant_transaction(chosen.id):
                record_entry(request, chosen)
            request.session[ENTERED_KEY] = str(chosen.id)
        _prepare(request)
        with tenant_transaction(chosen.id):
            response = self.get_response(request)
            if response.status_code >= 500 or response.status_code == 400:
                # the failure became a page before it reached this block: undo what it half did
                transaction.set_rollback(True)
        return response

    def _choose(self, request: HttpRequest, allowed: list[Organisation]) -> HttpResponse:
        for each in allowed:
            if each.slug == request.GET[PARAMETER]:
                request.session[SESSION_KEY] = str(each.id)
        rest = {name: value for name, value in request.GET.items() if name != PARAMETER}
        return HttpResponseRedirect(f"{request.path}?{urlencode(rest)}" if rest else request.path)


def _prepare(request: HttpRequest) -> None:
    """Let the page's model admin do what must not wait in its transaction: embed, or call another service."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return
    prepare = getattr(getattr(match.func, "model_admin", None), "prepare_page", None)
    if prepare is not None:
        prepare(request, match)


def _has_nul(request: HttpRequest) -> bool:
    """Return whether the address holds the one character that Postgres keeps in no text."""
    values = (value for name, several in request.GET.lists() for value in (name, *several))
    return "\x00" in request.path or any("\x00" in value for value in values)
