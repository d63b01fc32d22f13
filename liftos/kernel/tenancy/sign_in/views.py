"""`/sign-in/{provider}`: staff sign in to the admin at an OpenID Connect provider."""

import logging
from time import time

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.sign_in.accounts import account_of
from liftos.kernel.tenancy.sign_in.protocol import SignInFailed, begin, finish
from liftos.kernel.tenancy.sign_in.providers import Provider, providers

HOME = "/admin/"
KEPT = "liftos_sign_in"
SECONDS = 600
# of the session: sign-ins by password and at providers are the same for the rest of the admin
BACKEND = "django.contrib.auth.backends.ModelBackend"
logger = logging.getLogger("liftos.kernel.tenancy")


def start(request: HttpRequest, provider: str) -> HttpResponse:
    """Send the browser to the provider."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    known = _provider(provider)
    try:
        begun = begin(known, redirect_uri=_redirect_uri(request, provider))
    except LiftosError as error:
        return _failed(request, error)
    request.session[KEPT] = {
        "provider": provider, "state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "at": int(time()),
        "next": _next(request),
    }  # fmt: skip
    return HttpResponseRedirect(begun.url)


def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Sign in whoever comes back from the provider; each beginning counts once."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    known = _provider(provider)
    kept = request.session.pop(KEPT, None)
    try:
        if kept is None or kept["provider"] != provider or time() - kept["at"] > SECONDS:
            raise SignInFailed
        claims = finish(
            known,
            redirect_uri=_redirect_uri(request, provider),
            asked={name: str(request.GET[name]) for name in request.GET},
            state=kept["state"],
            nonce=kept["nonce"],
            verifier=kept["verifier"],
        )
        user = account_of(claims, known, name=provider)
    except LiftosError as error:
        return _failed(request, error)
    login(request, user, backend=BACKEND)
    return HttpResponseRedirect(kept["next"])


def _provider(name: str) -> Provider:
    found = providers().get(name)
    if found is None:
        raise Http404
    return found


def _redirect_uri(request: HttpRequest, provider: str) -> str:
    return request.build_absolute_uri(reverse("sign_in_callback", args=[provider]))


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if allowed and wanted.startswith(HOME) and "\x00" not in wanted else HOME


def _failed(request: HttpRequest, error: LiftosError) -> HttpResponse:
    logger.warning("sign-in failed", extra={"code": error.code})
    answer = render(request, "tenancy/sign_in_failed.html", {"message": error.message}, status=error.status)
    answer["Cache-Control"] = "no-store"
    return answer


urlpatterns = [
    path("sign-in/<slug:provider>", start, name="sign_in"),
    path("sign-in/<slug:provider>/callback", callback, name="sign_in_callback"),
]
