"""Other origins in the admin, and access to /metrics."""

import pytest

ORIGIN = "http://localhost:3000"


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/memory/memory/", "/admin"])
@pytest.mark.parametrize("method", ["get", "options"])
def test_other_origins_are_refused_in_the_admin(client, db, path, method):
    headers = {"origin": ORIGIN, "access-control-request-method": "GET"}
    response = getattr(client, method)(path, headers=headers)
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


def test_a_permitted_origin_may_call_the_api(acme):
    response = acme.get("/api/v1/memories", origin=ORIGIN)
    assert response["access-control-allow-origin"] == ORIGIN


def test_metrics_are_open_unless_a_token_is_set(client, settings):
    assert client.get("/metrics").status_code == 200
    settings.LIFTOS_METRICS_TOKEN = "s3cret"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer s3cret"}).status_code == 200
