"""Every route: the old platform's at the root, native ones under /api/v1/, the admin, the documentation."""

import hmac

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from accountability.api.urls import urlpatterns as accountability_urls
from liftos.compat.routes.aliases import SearchPage
from liftos.compat.urls import api_urlpatterns as old_api_urls
from liftos.compat.urls import urlpatterns as old_urls
from liftos.console.landing import with_landing
from liftos.dropins.urls import urlpatterns as dropin_urls
from liftos.guide import documentation, llms_txt
from liftos.kernel.errors import NotAuthenticated
from liftos.kernel.http.errors import answer_outside_views
from liftos.kernel.http.views import by_method
from liftos.kernel.outbox.api.urls import urlpatterns as event_urls
from liftos.kernel.telemetry.api import urlpatterns as trace_urls
from liftos.kernel.tenancy.api.urls import urlpatterns as tenancy_urls
from liftos.kernel.tenancy.sign_in.views import urlpatterns as sign_in_urls
from liftos.runtime.health import views
from liftos.runtime.health.alerts import alerts
from memory.api.search import Search
from memory.api.urls import urlpatterns as memory_urls
from spaces.api.urls import urlpatterns as spaces_urls
from workflows.api.urls import urlpatterns as workflow_urls
from workflows.marketing.api.urls import urlpatterns as marketing_urls

# the library's pages fail on OPTIONS
PUBLIC = {"authentication_classes": (), "permission_classes": (), "http_method_names": ["get", "head"]}


class Schema(SpectacularJSONAPIView):
    """The OpenAPI document."""

    def _get_version_parameter(self, request: HttpRequest) -> None:
        # the library copies this parameter into a header, including line breaks
        del request


def metrics(request: HttpRequest) -> HttpResponse:
    """Return metrics in Prometheus's text format; requires the operator's token if one is set."""
    token = settings.LIFTOS_METRICS_TOKEN
    given = request.headers.get("authorization", "").encode()
    if token and not hmac.compare_digest(given, f"Bearer {token}".encode()):
        return answer_outside_views(request.path, NotAuthenticated("This requires the operator's token."))
    alerts()  # creates the alerts' series before the first is raised
    return ExportToDjangoView(request)


def no_icon(request: HttpRequest) -> HttpResponse:
    """Answer 204: there is no icon."""
    del request
    return HttpResponse(status=204)


# paths shared by native and compat routes, which differ by method
shared_urls = [path("search", by_method(post=Search, get=SearchPage).as_view())]

urlpatterns = [
    # most frequent first: patterns are tried in order
    path(
        "api/v1/",
        include(
            [
                *shared_urls,
                *memory_urls,
                *old_api_urls,
                *accountability_urls,
                *spaces_urls,
                *tenancy_urls,
                *event_urls,
                *trace_urls,
                *workflow_urls,
                *marketing_urls,
            ]
        ),
    ),
    path("", with_landing(views.Root.as_view())),
    path("health", views.Health.as_view()),
    path("ready", views.Ready.as_view()),
    path("metrics", metrics),
    path("favicon.ico", no_icon),
    *old_urls,
    *dropin_urls,
    path("llms.txt", llms_txt),
    path("openapi.json", Schema.as_view(**PUBLIC), name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi", **PUBLIC)),
    path("docs/<slug:page>.md", documentation),
    path("docs/decisions/<slug:page>.md", documentation, {"directory": "decisions/"}),
    # the old service's second page; Redoc itself would load fonts and a logo from elsewhere
    path("redoc", SpectacularSwaggerView.as_view(url_name="openapi", **PUBLIC)),
    # no object has a page outside the admin for "view on site"
    path("admin/r/<path:rest>", views.no_such_page),
    path("admin/", admin.site.urls),
    *sign_in_urls,
]

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.server_error
