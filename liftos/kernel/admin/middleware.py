"""Opens one organisation at a time in the admin and runs each page in its transaction, which sees what the staff member may see."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils import timezone

from liftos.kernel.admin.on_record import record_entry, staff_actor
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import Viewer, viewing
from liftos.kernel.http.errors import BadRequest, answer_outside_views
from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.break_glass import in_force, read_under
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.queries import StaffSight, staff_sight
from liftos.kernel.tenancy.roles_backend import let_only_read, open_for
from liftos.kernel.tenancy.types import Scope

SESSION_KEY = "liftos_organisation"
# the organisation in whose log this session's entry was last recorded
ENTERED_KEY = "liftos_entered"
PARAMETER = "_organisation"
# this page must run in no tenant's transaction: it opens one for the organisation that it creates
CREATES_ORGANISATION = "/admin/tenancy/organisation/add/"


def opened(request: HttpRequest) -> Organisation:
    """Return the open organisation.

    Raises:
        RuntimeError: none is open; pages that need one are not offered then.
    """
    organisation: Organisation | None = getattr(request, "organisation", None)
    if organisation is None:
        raise RuntimeError("no organisation is open")
    return organisation


class AdminTenantMiddleware:
    """Runs every admin page of a signed-in staff member in the open organisation's transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle a request, in the open organisation's transaction if it is for an admin page."""
        if request.path.startswith("/admin/") and _has_nul(request):
            return answer_outside_views(request.path, BadRequest())
        if not request.path.startswith("/admin/") or not request.user.is_staff:
            return self.get_response(request)
        wanted = str(request.session.get(SESSION_KEY, ""))
        allowed, sight = staff_sight(account=request.user.pk, wanted=wanted, now=timezone.now())
        if PARAMETER in request.GET:
            return self._choose(request, allowed)
        if request.path == CREATES_ORGANISATION:
            sight = None
        request.organisation = sight and sight.organisation  # type: ignore[attr-defined]
        request.organisations = allowed  # type: ignore[attr-defined]
        if sight is None:
            return self.get_response(request)
        chosen = sight.organisation
        if request.session.get(ENTERED_KEY) != str(chosen.id):
            # in its own transaction: the page's may be rolled back after the session notes that this is recorded
            with tenant_transaction(chosen.id):
                record_entry(request, chosen)
            request.session[ENTERED_KEY] = str(chosen.id)
        open_for(request.user, chosen.id, sight.role)
        with viewing(_viewer(request, sight)):
            _prepare(request)
            with tenant_transaction(chosen.id):
                response = self.get_response(request)
                if response.status_code >= 500 or response.status_code == 400:
                    # Django has turned the exception into a response, so roll back explicitly
                    transaction.set_rollback(True)
        return response

    def _choose(self, request: HttpRequest, allowed: list[Organisation]) -> HttpResponse:
        for each in allowed:
            if each.slug == request.GET[PARAMETER]:
                request.session[SESSION_KEY] = str(each.id)
        rest = {name: value for name, value in request.GET.items() if name != PARAMETER}
        return HttpResponseRedirect(f"{request.path}?{urlencode(rest)}" if rest else request.path)


def _viewer(request: HttpRequest, sight: StaffSight) -> Viewer:
    """Return what the staff member sees on this page: what their principal sees, and when reading, what break-glass opens to them."""
    viewer, organisation = sight.viewer, sight.organisation.id
    reads = request.method in {"GET", "HEAD"} and request.path != "/admin/jsi18n/"
    if not (reads and sight.is_under_glass):
        return viewer
    by = staff_actor(request)
    glasses = in_force(organisation=organisation, by=by, now=timezone.now())
    if not glasses or Scope.ADMIN not in scopes_now(organisation=organisation, actor=by):
        return viewer
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return viewer
    request.break_glass = glasses  # type: ignore[attr-defined]
    let_only_read(request.user)
    return read_under(viewer=viewer, by=by, glasses=glasses, page=f"/{match.route}", named=match.kwargs)


def _prepare(request: HttpRequest) -> None:
    """Let the page's model admin do slow work (embedding, calls to services) before its transaction."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return
    prepare = getattr(getattr(match.func, "model_admin", None), "prepare_page", None)
    if prepare is not None:
        prepare(request, match)


def _has_nul(request: HttpRequest) -> bool:
    """Return whether the URL contains NUL, which Postgres can't store."""
    values = (value for name, several in request.GET.lists() for value in (name, *several))
    return "\x00" in request.path or any("\x00" in value for value in values)
