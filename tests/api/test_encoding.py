"""Compressed bodies in, compressed answers out; paths with capitals; 304; what scripts of another origin may read."""

import gzip
import json
import zlib
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import UUIDConverter

BULK = "/api/v1/memories/bulk"
MEMORIES = "/api/v1/memories"
BODY = json.dumps({"content": "Boots sell in rain"}).encode()
QUESTION = json.dumps({"query": "boots"}).encode()
PATHS = [MEMORIES, BULK, f"{BULK}?mode=async", "/store", "/search", "/api/v1/search", "/api/v1/store"]


def send(caller, path, raw, encoding, **headers):
    return caller.send(path, raw, "application/json", **{"content-encoding": encoding}, **headers)


def stored(caller):
    return [each["content"] for each in caller.get(MEMORIES).json()["results"]]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
@pytest.mark.parametrize("path", PATHS)
def test_a_gzip_body_is_taken(acme, path, encoding):
    body = QUESTION if path.endswith("search") else BODY
    plain = send(acme, path, body, "identity")
    packed = send(acme, path, gzip.compress(body), encoding)
    assert packed.status_code == plain.status_code
    assert packed.status_code in {200, 201, 202}


def test_what_a_gzip_body_holds_is_stored(acme):
    lines = [json.dumps({"content": f"line {number}"}) + "\n" for number in range(1_200)]
    packed = b"".join(gzip.compress(line.encode()) for line in lines)  # of many members
    answer = send(acme, BULK, packed, "gzip").json()
    assert (answer["stored"], answer["failed"]) == (1_200, 0)
    assert send(acme, MEMORIES, gzip.compress(BODY), "gzip").status_code == 201
    assert stored(acme)[0] == "Boots sell in rain"


@pytest.mark.parametrize(
    "encoding", ["deflate", "br", "zstd", "compress", "gzip, gzip", "gzip,br", "nonsense", "\u00e9"]
)
@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/api/v1/nowhere"])
def test_another_encoding_is_415(acme, path, encoding):
    response = send(acme, path, zlib.compress(BODY), encoding)
    assert response.status_code == 415
    assert response["Accept-Encoding"] == "gzip, identity"
    assert "gzip" in response.json()["detail"]
    assert stored(acme) == []


BROKEN = {
    "no gzip": b"rubbish",
    "zlib": zlib.compress(BODY),
    "cut off": gzip.compress(BODY)[:-9],
    "without its length": gzip.compress(BODY)[:-4],
    "a wrong sum": gzip.compress(BODY)[:-8] + bytes(4) + gzip.compress(BODY)[-4:],
    "rubbish behind": gzip.compress(BODY) + b"rubbish",
    "broken inside": gzip.compress(BODY)[:12] + b"\xff" * 8 + gzip.compress(BODY)[20:],
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("path", PATHS)
def test_broken_gzip_is_400_and_nothing_is_stored(acme, path, raw):
    response = send(acme, path, raw, "gzip")
    assert response.status_code == 400
    assert "gzip" in response.json()["detail"]
    assert stored(acme) == []


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_unpacks_to_too_much_is_413_and_nothing_is_stored(acme, settings, path):
    settings.LIFTOS_MAX_BODY_BYTES = settings.LIFTOS_MAX_BULK_BYTES = 100_000
    line = BODY + b" " * 1_000 + b"\n"
    response = send(acme, path, gzip.compress(line * 500), "gzip")
    assert response.status_code == 413
    assert stored(acme) == []


def test_gzip_without_a_credential_is_not_decompressed(acme, monkeypatch):
    monkeypatch.setattr("liftos.kernel.http.encoding.GunzippedBody._unpack", pytest.fail)
    sent = {"content-encoding": "gzip"}
    assert (
        acme.client.post(BULK, gzip.compress(BODY), content_type="application/json", headers=sent).status_code
        == 401
    )


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoding_of_no_body_means_nothing(acme, encoding):
    assert acme.get(MEMORIES, **{"content-encoding": encoding}).status_code == 200


def test_one_key_covers_a_body_packed_or_not(acme):
    for path in (MEMORIES, BULK):
        headers = {"idempotency-key": path}
        first = send(acme, path, BODY, "identity", **headers)
        again = send(acme, path, gzip.compress(BODY), "gzip", **headers)
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"


def test_answers_are_packed_for_who_accepts_gzip(acme):
    for number in range(30):
        acme.store(f"Boots sell in rain, {number}")
    plain = acme.get(MEMORIES)
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]
    for accepted in ("gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "*", "GZIP"):
        packed = acme.get(MEMORIES, **{"accept-encoding": accepted})
        assert packed["Content-Encoding"] == "gzip"
        assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content) / 2
        assert json.loads(gzip.decompress(packed.content)) == plain.json()
    for refused in ("", "identity", "br", "gzip;q=0", "*, gzip;q=0.0", "*;q=0"):
        assert acme.get(MEMORIES, **{"accept-encoding": refused}).content == plain.content


def test_a_stream_is_packed(acme):
    acme.store("x")
    path = "/api/v1/decisions/export"
    plain = b"".join(acme.get(path).streaming_content)
    packed = acme.get(path, **{"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(packed.streaming_content)) == plain


def test_pages_with_secrets_are_not_packed(acme):
    user = User.objects.create_user("ann", password="x", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    for path in ("/admin/", "/admin/login/?next=/admin/", "/admin/tenancy/apikey/add/"):
        page = client.get(path, headers={"accept-encoding": "gzip"}, follow=True)
        assert "Content-Encoding" not in page
        assert len(page.content) > 500
    made = client.post(
        "/admin/tenancy/apikey/add/",
        {"name": "n", "scopes": ["memory:read"]},
        headers={"accept-encoding": "gzip"},
        follow=True,
    )
    assert b"liftos_" in made.content
    assert "Content-Encoding" not in made


@pytest.mark.parametrize("held", ['"1"', 'W/"1"', '"0", "1"', "*", '"a,b","1"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_version_that_the_caller_holds_is_304(acme, held, method):
    path = f"{MEMORIES}/{acme.store('x')}"
    headers = {"authorization": f"Bearer {acme.token}", "if-none-match": held}
    response = acme.client.generic(method, path, headers=headers)
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == '"1"'
    assert "Content-Type" not in response
    assert response["X-Correlation-Id"]


@pytest.mark.parametrize("held", ['"2"', "1", "", '"11"', "rubbish", '"1'])
def test_another_version_is_sent(acme, held):
    response = acme.get(f"{MEMORIES}/{acme.store('x')}", **{"if-none-match": held})
    assert (response.status_code, response["ETag"]) == (200, '"1"')


def test_a_new_version_is_sent_to_who_holds_the_old(acme):
    memory = acme.store("x")
    acme.post(f"{MEMORIES}/{memory}/contest", {})
    assert acme.get(f"{MEMORIES}/{memory}", **{"if-none-match": '"1"'}).status_code == 200
    assert acme.get(f"{MEMORIES}/{memory}", **{"if-none-match": '"2"'}).status_code == 304


def test_memory_with_unresolved_links_is_not_cached(acme):
    memory = acme.store("x", links=[{"kind": "about", "external_id": "later"}])
    assert acme.get(f"{MEMORIES}/{memory}")["Cache-Control"] == "no-store"
    assert "Cache-Control" not in acme.get(f"{MEMORIES}/{acme.store('y')}")


def walk(patterns):
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns)
        elif isinstance(each, URLPattern):
            yield each


def test_no_path_takes_small_letters_alone():
    patterns = list(walk(get_resolver().url_patterns))
    named = [
        str(each.pattern)
        for each in patterns
        for kind in each.pattern.converters.values()
        if isinstance(kind, UUIDConverter)
    ]
    assert named == []
    assert sum("<id:" in str(each.pattern) for each in patterns) > 40


@pytest.mark.parametrize("write", [str.upper, str.title, str])
def test_a_uuid_in_capitals_names_the_same(acme, write):
    memory = acme.store("x")
    decision = acme.get("/api/v1/decisions?limit=1").json()["results"][0]["id"]
    template = {"name": "offers", "template": "marketing"}
    space = acme.post("/api/v1/spaces", template).json()["id"]
    for path in (
        f"{MEMORIES}/{write(memory)}",
        f"{MEMORIES}/{write(memory)}/history",
        f"/api/v1/decisions/{write(decision)}/chain",
        f"/api/v1/spaces/{write(space)}",
    ):
        assert acme.get(path).status_code == 200
    assert acme.delete(f"/context/{write(str(acme.organisation))}").status_code == 200
    assert acme.post(f"{MEMORIES}/{write(memory)}/contest", {}).json()["id"] == str(UUID(memory))
    trace = acme.get(MEMORIES)["X-Trace-Id"]
    assert (
        acme.get(f"/api/v1/traces/{write(trace)}").json()["code"]
        == acme.get(f"/api/v1/traces/{trace}").json()["code"]
    )


@pytest.mark.parametrize("path", [MEMORIES, "/insights", "/nowhere", "/health"])
def test_scripts_of_a_permitted_origin_may_read_the_headers(acme, path):
    response = acme.get(path, origin="http://localhost:3000")
    exposed = {each.strip().lower() for each in response["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {
        "etag", "x-correlation-id", "x-trace-id", "retry-after", "idempotent-replayed", "traceparent",
    }  # fmt: skip
