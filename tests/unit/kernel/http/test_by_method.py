"""One path that several views share: `by_method`."""

import json

import pytest
from django.test import RequestFactory
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.views import NativeView, PublicCompatView, by_method


class Page(PublicCompatView):
    """An old page's request."""

    @extend_schema(operation_id="page")
    def get(self, request: Request) -> Response:
        """Answer the page."""
        return Response({"view": "page", "asked": request._request.GET.dict()})


class Search(NativeView):
    """A native caller's request."""

    authentication_classes = ()
    costly = True

    @extend_schema(operation_id="search")
    def post(self, request: Request) -> Response:
        """Answer a native caller."""
        del request
        return Response({"view": "search"}, status=201)


SHARED = by_method(post=Search, get=Page)


def ask(method, path="/shared"):
    response = SHARED.as_view()(RequestFactory().generic(method, path))
    return response.render()


@pytest.mark.parametrize(("method", "status", "view"), [("GET", 200, "page"), ("POST", 201, "search")])
def test_each_method_goes_to_its_own_view(method, status, view):
    response = ask(method)
    assert response.status_code == status
    assert json.loads(response.content)["view"] == view


def test_head_goes_where_get_goes():
    assert ask("HEAD").status_code == 200


def test_each_view_keeps_its_own_rules():
    assert json.loads(ask("GET", "/shared?zebra=1").content)["asked"] == {"zebra": "1"}
    refused = ask("POST", "/shared?zebra=1")
    assert refused.status_code == 422
    assert json.loads(refused.content)["errors"][0]["loc"] == ["query", "zebra"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_no_view_has_is_405(method):
    assert ask(method).status_code == 405


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_allow_names_the_methods_of_all_views(method):
    assert ask(method)["Allow"] == "GET, POST, HEAD"


def test_the_schema_finds_both_operations_and_the_web_server_the_dearer():
    assert SHARED.get.kwargs["schema"] is Page.get.kwargs["schema"]
    assert SHARED.post.kwargs["schema"] is Search.post.kwargs["schema"]
    assert SHARED.shared_by == {"get": Page, "post": Search}
    assert SHARED.costly
