"""Invalid addresses of admin pages are 4xx, never 500."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db.models import BinaryField, CharField, DateTimeField, JSONField, TextField
from django.test import Client

from liftos.kernel.admin.parts import CheckedChangeList
from tests.conftest import make_caller

MODELS = {f"{model._meta.app_label}/{model._meta.model_name}": model for model in site._registry}
TEXT = {"": "%00", "__exact": "%00", "__contains": "a%00b", "__in": "a,%00", "__regex": "("}
BAD = [
    (CharField, TEXT),
    (TextField, TEXT),
    (JSONField, {"": "%00", "__a": "%00"}),
    (BinaryField, {"": "x"}),
    (DateTimeField, {
        "__year": "0", "__year__gte": "99999", "__year__lt": "9" * 30, "__gte": "2026-13-45", "__date": "-1", "__in": "0000-00-00",
    }),
]  # fmt: skip
IDS = ["%00", "a%00b", "9" * 30, "-1", "not-a-uuid", "%ED%A0%80", "x" * 3_000, "_00", "..", "%0d%0a"]
METHODS = ["OPTIONS", "HEAD", "TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "FOO"]


@pytest.fixture
def staff(committed_db):
    make_caller("Acme").store("Boots sell in rain")
    User.objects.create_user("ann", password="x", is_staff=True, is_superuser=True)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get())
    return client


@pytest.mark.parametrize("name", MODELS)
def test_every_list_validates_its_query_string(name):
    listed = site._registry[MODELS[name]].get_changelist(None)
    assert issubclass(listed, CheckedChangeList)


def test_invalid_filters_are_400_in_every_list(staff):
    answered = {}
    for name, model in MODELS.items():
        for field in model._meta.concrete_fields:
            wrong = next((values for kind, values in BAD if isinstance(field, kind)), {"__id": "%00"})
            for lookup, value in wrong.items():
                path = f"/admin/{name}/?{field.name}{lookup}={value}"
                answered[path] = staff.get(path).status_code
    assert len(answered) > 500
    assert {path: status for path, status in answered.items() if not 400 <= status < 500} == {}


@pytest.mark.parametrize(
    "query", ["state__exact=%00", "recorded_at__year=0", "id=x", "id__in=x,y", "q=%00", "%00=1"]
)
def test_a_refused_filter_leaves_the_next_page_as_it_was(staff, query):
    assert staff.get(f"/admin/memory/memory/?{query}").status_code == 400
    page = staff.get("/admin/memory/memory/?q=nothing")
    assert page.status_code == 200
    assert "Boots sell in rain" in staff.get("/admin/memory/memory/").content.decode()


@pytest.mark.parametrize(
    "query", ["p=99999999999999999999", "p=x", "o=99.x", "_facets=1", "e=1", "q=" + "x" * 5_000, "q=%FF"]
)
def test_invalid_pages_orders_and_searches_are_not_500(staff, query):
    for name in MODELS:
        assert staff.get(f"/admin/{name}/?{query}").status_code < 500


def test_malformed_ids_are_not_500(staff):
    answered = {}
    for name in MODELS:
        for each in IDS:
            for page in ("", "change/", "delete/", "history/"):
                path = f"/admin/{name}/{each}/{page}"
                answered[path] = staff.get(path).status_code
    assert {path: status for path, status in answered.items() if status >= 500} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/admin/r/1/1/",
        "/admin/r/9/x/",
        "/admin/nope/",
        "/admin/nope",
        "/admin/memory/nope/",
        "/admin/a/b/c/d",
    ],
)
def test_unknown_page_is_404(staff, path):
    assert staff.get(path).status_code == 404


def test_a_page_without_its_slash_is_still_found(staff):
    assert staff.get("/admin/memory/memory")["Location"] == "/admin/memory/memory/"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/openapi.json", "/metrics", "/favicon.ico", "/health", "/ready", "/nowhere", "/store",
             "/api/v1/memories", "/admin/", "/admin/memory/memory/", "/admin/login/", "/static/liftos/admin.css"]
)  # fmt: skip
def test_no_method_is_500(staff, path, method):
    assert staff.generic(method, path).status_code < 500


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_options_of_the_documentation_is_405(client, db, path):
    response = client.options(path)
    assert response.status_code == 405
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "query", ["version=%00", "version=%0d%0aX-A: b", "lang=%00", "lang=xx", "format=%00"]
)
def test_the_schema_takes_nothing_from_its_address(client, db, query):
    response = client.get(f"/openapi.json?{query}")
    assert response.status_code == 200
    assert response["Content-Disposition"] == client.get("/openapi.json")["Content-Disposition"]
