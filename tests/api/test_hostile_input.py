"""Input made to break things: each is refused with a 4xx, or taken; none is a 500 or shows an exception."""

import json

import pytest

from tests.api.routes import NATIVE_POSTS, POSTS

BULK = "/api/v1/memories/bulk"
DEEP = 100_000
MEGABYTE = 1_000_000
# what our own code or a library would say of itself
INTERNALS = ["Traceback", "psycopg", "django", "pydantic", ".py", "Error(", "Exception", "line 1 column"]


def assert_refused(response, *statuses):
    text = response.content.decode()
    assert response.status_code in (statuses or (422,)), text[:300]
    assert not [word for word in INTERNALS if word in text[:5_000]], text[:300]
    assert response["X-Correlation-Id"]
    assert response.json()["detail"]


def raw_body(field, *, metadata="{}", text='"x"'):
    return f'{{"{field}": {text}, "metadata": {metadata}, "filters": {metadata}}}'


def nested(levels, opening='{"a":', closing="}"):
    return opening * levels + "1" + closing * levels


MALFORMED = {
    "cut off": b'{"query": "x"',
    "single quotes": b"{'query': 'x'}",
    "trailing comma": b'{"query": "x",}',
    "two documents": b"{}{}",
    "comment": b"{} // x",
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "UTF-16": '{"query": "x"}'.encode("utf-16"),
    "raw control character": b'{"query": "a\nb"}',
    "raw NUL": b'{"query": "a\x00b"}',
    "NaN": b'{"query": "x", "content": "x", "metadata": {"a": NaN}}',
    "Infinity": b'{"query": "x", "content": "x", "metadata": {"a": -Infinity}}',
    "10,000 digits": b'{"query": "x", "content": "x", "limit": 1%s}' % (b"0" * 10_000),
    "100,000 lists": b"[" * DEEP,
    "100,000 objects": nested(DEEP).encode(),
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize(("path", "field"), POSTS)
def test_malformed_json_is_422(acme, path, field):
    for name, raw in MALFORMED.items():
        response = acme.send(path, raw, "application/json")
        assert_refused(response)
        items = response.json()["detail"] if path not in dict(NATIVE_POSTS) else response.json()["errors"]
        assert items[0]["type"] == "json_invalid", name


@pytest.mark.parametrize(("path", "field"), POSTS)
def test_a_text_of_another_type_is_422(acme, path, field):
    # an object is what old callers of the native route send as content
    objects = () if path == "/api/v1/memories" else ("{}", '{"a": 1}')
    for value in ("null", "5", "true", "[]", '["x"]', "1e5", *objects):
        assert_refused(acme.send(path, raw_body(field, text=value), "application/json"))


@pytest.mark.parametrize(("path", "field"), POSTS)
@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800", "\\udfff", "a\\ud83d", "\\udc00\\ud800"])
def test_nul_and_lone_surrogates_are_422_wherever_they_stand(acme, path, field, text):
    bodies = [
        raw_body(field, text=f'"{text}"'),
        raw_body(field, metadata=f'{{"{text}": 1}}'),
        raw_body(field, metadata=f'{{"a": "{text}"}}'),
        raw_body(field, metadata=f'{{"a": [{{"b": "{text}"}}]}}'),
        f'{{"{field}": "x", "memory_type": "{text}"}}',
        f'{{"{field}": "x", "external_id": "{text}"}}',
        f'{{"{field}": "x", "tags": ["{text}"]}}',
    ]
    for body in bodies:
        assert_refused(acme.send(path, body, "application/json"))


@pytest.mark.parametrize(("path", "field"), POSTS)
def test_a_surrogate_pair_is_one_character(acme, path, field):
    response = acme.send(path, f'{{"{field}": "\\ud83d\\ude00"}}', "application/json")
    assert response.status_code in {200, 201}


@pytest.mark.parametrize(("path", "field"), POSTS)
@pytest.mark.parametrize(
    "metadata",
    [nested(100), nested(DEEP), f'{{"a": {nested(100, "[", "]")}}}', f'{{"a": {nested(DEEP, "[", "]")}}}',
     '{"a": 1e999}', '{"a": -1e999}', '{"a": NaN}', '{"a": 1%s}' % ("0" * 5_000), '{"a": [Infinity]}'],
    ids=range(9),
)  # fmt: skip
def test_what_can_not_be_kept_is_422(acme, path, field, metadata):
    assert_refused(acme.send(path, raw_body(field, metadata=metadata), "application/json"))


@pytest.mark.parametrize("path", ["/store", "/api/v1/memories"])
@pytest.mark.parametrize(
    "metadata",
    [nested(60), '{"a": 1%s}' % ("0" * 4_000), '{"": {"": ""}}',
     '{"a.b": 1, "a": {"b": 2}}', '{"a": 1, "a": 2}', '{"__proto__": {}, "constructor": 1}'],
    ids=range(6),
)  # fmt: skip
def test_odd_metadata_is_stored_and_returned(acme, path, metadata):
    answer = acme.send(path, f'{{"content": "odd one", "metadata": {metadata}}}', "application/json").json()
    memory = answer.get("memory_id") or answer["data"]["memory_id"]
    assert acme.get(f"/api/v1/memories/{memory}").json()["metadata"] == json.loads(metadata)
    assert [hit["id"] for hit in acme.search("odd one", search_type="knowledge")] == [memory]


def test_the_largest_and_smallest_numbers_keep_their_value(acme):
    metadata = {"large": 1.7e308, "small": 5e-324, "negative": -1.5e-300, "exact": 2**53 + 1}
    memory = acme.store("x", metadata=metadata)
    kept = acme.get(f"/api/v1/memories/{memory}").json()["metadata"]
    assert kept["exact"] == 2**53 + 1
    assert {key: float(value) for key, value in kept.items()} == {
        key: float(value) for key, value in metadata.items()
    }
    for key, value in metadata.items():
        assert [hit["id"] for hit in acme.search("x", filters={key: value})] == [memory]
    assert acme.search("x", filters={"exact": 2**53}) == []


@pytest.mark.parametrize("path", ["/search", "/search/neural", "/search/knowledge", "/api/v1/search"])
@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "101", '"text"', "null", "5.5", "1e30", "-1e300", "1" + "0" * 4_000, '"1%s"' % ("0" * 5_000), "[1]",
     "{}", '""', '"\uff11"', '"0x10"', '"1e1"'],
)  # fmt: skip
def test_a_limit_out_of_bounds_is_422(acme, path, limit):
    assert_refused(acme.send(path, f'{{"query": "x", "limit": {limit}}}', "application/json"))


@pytest.mark.parametrize(("path", "field"), [*POSTS, (BULK, "content")])
def test_ten_megabytes_are_413(acme, settings, path, field):
    if path == BULK:
        settings.LIFTOS_MAX_BULK_BYTES = 9_000_000
    response = acme.send(path, b" " * 10_000_000, "application/json")
    assert_refused(response, 413)
    if path.startswith("/api/v1/"):
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["correlation_id"] == response["X-Correlation-Id"]
    else:
        assert list(response.json()) == ["detail"]


def test_a_body_is_refused_only_past_the_limit(acme, settings):
    settings.LIFTOS_MAX_BODY_BYTES = len('{"content": "x"}')
    assert acme.send("/store", '{"content": "x"}', "application/json").status_code == 200
    assert acme.send("/store", '{"content": "xy"}', "application/json").status_code == 413


@pytest.mark.parametrize("length", ["rubbish", "-1", "1" * 5_000, "0x10", "\u0661", " 5", "1.0"])
@pytest.mark.parametrize("path", ["/search", "/api/v1/search", "/health", BULK])
def test_content_length_other_than_a_number_is_400(acme, path, length):
    response = acme.client.generic(
        "POST",
        path,
        b"{}",
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
        CONTENT_LENGTH=length,
    )
    assert_refused(response, 400)


@pytest.mark.parametrize(("path", "field"), POSTS)
def test_megabyte_of_text_is_accepted_and_one_more_character_is_422(acme, path, field):
    assert acme.post(path, {field: "word " * (MEGABYTE // 5)}).status_code in {200, 201}
    assert_refused(acme.post(path, {field: "w" * (MEGABYTE + 1)}))


@pytest.mark.parametrize(("path", "field"), POSTS)
def test_one_word_of_a_megabyte_is_taken(acme, path, field):
    assert acme.post(path, {field: "w" * MEGABYTE}).status_code in {200, 201}


def test_a_megabyte_is_found_by_its_last_word(acme):
    memory = acme.store("word " * 150_000 + "zebra")
    assert [hit["id"] for hit in acme.search("zebra", search_type="knowledge")] == [memory]


def test_content_may_be_empty_where_the_contract_allows_it(acme):
    memory = acme.post("/store", {"content": ""}).json()["data"]["memory_id"]
    assert acme.get(f"/api/v1/memories/{memory}").json()["content"] == ""
    assert acme.delete(f"/api/v1/memories/{memory}").status_code == 200


@pytest.mark.parametrize("path", ["/store", "/api/v1/memories"])
def test_a_memory_type_of_10_000_characters_is_422(acme, path):
    assert_refused(acme.post(path, {"content": "x", "memory_type": "m" * 10_000}))


@pytest.mark.parametrize("path", ["/search", "/api/v1/search"])
def test_a_memory_type_of_10_000_characters_finds_nothing(acme, path):
    acme.store("x")
    response = acme.post(path, {"query": "x", "memory_type": "m" * 10_000})
    assert response.status_code == 200
    assert (response.json().get("data") or response.json())["results"] == []


def test_metadata_with_10_000_keys_is_stored_and_filtered(acme):
    memory = acme.store("x", metadata={f"k{number}": number for number in range(10_000)})
    assert [hit["id"] for hit in acme.search("x", filters={"k9999": {"$gte": 9_999}})] == [memory]
    assert acme.search("x", filters={"k9999": 1}) == []


@pytest.mark.parametrize("path", ["/search", "/api/v1/search"])
def test_10_000_filters_are_422(acme, path):
    assert_refused(
        acme.post(path, {"query": "x", "filters": {f"k{number}": number for number in range(10_000)}})
    )


def test_endless_filter_keys_and_values_are_answered(acme):
    assert acme.search("x", filters={"b" * 200: 1, "c": "x" * 100_000, "": None, "a..b": True}) == []
    for filters in ({"b" * 100_000: 1}, {"a": {"$gt": "x" * 100_000}}):
        assert_refused(acme.post("/api/v1/search", {"query": "x", "filters": filters}))


@pytest.mark.parametrize(
    "text",
    ["\u202eright to left", "\ufeffbom", "Z\u0351\u036ba\u0321l\u0327g\u0336o", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
     "\ufffe\uffff\U0010ffff", "e\u0301\u0301\u0301" * 1_000, "\u0130\u0131", "ﷺ" * 1_000, "\x01\x02\x7f\x85.",
     "\u2028.\u2029", "日本語のテキスト", "ﬁ", "\u1e9e", "ÅÅ", "' OR 1=1; --", "%s %(a)s {x} $1 \\", "</script><b>"],
)  # fmt: skip
def test_weird_unicode_comes_back_unchanged(acme, text):
    memory = acme.store(text, metadata={"k" + text[:50]: text}, tags=[text[:100]], external_id=text[:300])
    got = acme.get(f"/api/v1/memories/{memory}").json()
    assert (got["content"], got["metadata"]) == (text, {"k" + text[:50]: text})
    assert (got["tags"], got["external_id"]) == ([text[:100]], text[:300])
    assert [hit["id"] for hit in acme.search(text, filters={"k" + text[:50]: text})] == [memory]
    assert acme.delete(f"/api/v1/memories/{memory}").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost\x00", "a b", "", "[::"])
@pytest.mark.parametrize("path", ["/health", "/api/v1/memories"])
def test_a_host_that_is_not_ours_is_400(acme, path, host):
    response = acme.client.get(path, headers={"host": host or "@"})
    assert_refused(response, 400)
    assert response.json()["detail"] == "Bad request"


@pytest.mark.parametrize(
    "header",
    ["x-memory-context", "x-user-roles", "idempotency-key", "traceparent", "x-correlation-id", "accept"],
)
def test_rubbish_in_other_headers_changes_nothing(acme, header):
    for value in ("\x00", "\udcff", "a" * 100_000, "\xff", "\r\nx-org-id: rival", ""):
        response = acme.post("/search", {"query": "x"}, **{header: value})
        assert response.status_code == 200
        assert len(response["X-Correlation-Id"]) <= 128
        assert "\n" not in response["X-Correlation-Id"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json; charset=utf-16", 200), ("application/json; charset=rubbish", 200), ("application/json;;;", 200),
     ("/", 422), ("json", 422), ("application/jsonp", 422)],
)  # fmt: skip
def test_invalid_content_type_is_not_a_failure(acme, content_type, status):
    response = acme.client.generic(
        "POST", "/search", '{"query": "x"}', content_type, headers={"authorization": f"Bearer {acme.token}"}
    )
    assert response.status_code == status
