"""POST and GET /api/v1/memories."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

DIMENSION = 384
FIELDS = [
    "id", "content", "metadata", "memory_type", "source", "external_id", "tags", "importance", "state", "embedding",
    "index", "thread", "visible_to", "links", "valid_from", "valid_to", "expires_at", "superseded_by", "version", "recorded_at", "changed_at", "created_at",
]  # fmt: skip


def memories(caller, query=""):
    response = caller.get(f"/api/v1/memories{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_create_is_201_with_the_id(acme):
    response = acme.post("/api/v1/memories", {"content": "Holiday campaign"})
    body = response.json()
    assert response.status_code == 201
    assert list(body) == ["id", "memory_id", "outcome", "embedding", "state", "decision_id"]
    assert UUID(body["id"])
    assert body["memory_id"] == body["id"]
    assert (body["outcome"], body["embedding"]) == ("stored", "ready")


def test_every_field_comes_back(acme):
    sent = {
        "content": "Holiday",
        "metadata": {"a": [1, {"b": None}]},
        "memory_type": "note",
        "source": "crm",
        "external_id": "e-1",
        "tags": ["x", "y", ""],
        "importance": 0.25,
        "valid_from": "2025-01-01T00:00:00Z",
        "valid_to": "2025-02-01T00:00:00+02:00",
    }
    got = acme.get(f"/api/v1/memories/{acme.store(**sent)}").json()
    assert list(got) == FIELDS
    assert {name: got[name] for name in sent if name != "valid_to"} == {
        name: value for name, value in sent.items() if name != "valid_to"
    }
    assert got["valid_to"] == "2025-01-31T22:00:00Z"
    assert got["state"] == "active"
    assert got["recorded_at"] == got["created_at"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(got["recorded_at"])).total_seconds()) < 60


def test_a_time_without_a_zone_is_utc(acme):
    got = acme.get(f"/api/v1/memories/{acme.store('x', valid_from='2025-01-01T10:00:00')}").json()
    assert got["valid_from"] == "2025-01-01T10:00:00Z"


def test_the_same_external_id_again_is_200_with_the_first_id(acme):
    sent = {"content": "x", "metadata": {"a": 1}, "external_id": "e-1"}
    first, again = (acme.post("/api/v1/memories", sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["outcome"] == "unchanged"
    assert len(memories(acme)["results"]) == 1


@pytest.mark.parametrize("change", [{"content": "y"}, {"metadata": {"a": 2}}, {"memory_type": "other"}])
def test_other_content_under_an_external_id_is_409(acme, change):
    sent = {"content": "x", "metadata": {"a": 1}, "external_id": "e-1"}
    first = acme.store(**sent)
    response = acme.post("/api/v1/memories", sent | change)
    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "memory.external_id_taken"
    assert response.json()["errors"][0]["loc"] == ["body", "external_id"]
    assert acme.get(f"/api/v1/memories/{first}").json()["content"] == "x"


def test_an_external_id_belongs_to_its_source(acme):
    ids = {acme.store(f"x {source}", source=source, external_id="e-1") for source in ("crm", "mail", "")}
    assert len(ids) == 3


def test_an_empty_external_id_names_nothing(acme):
    assert acme.store("x", external_id="") != acme.store("x", external_id="")


def test_links_find_their_targets_now_or_later(acme):
    early = acme.store("early", external_id="early")
    links = [
        {"kind": "follows", "external_id": "early"},
        {"kind": "about", "external_id": "late"},
        {"kind": "supports", "external_id": "never"},
    ]
    memory = acme.store("x", links=links)
    late = acme.store("late", external_id="late")
    got = acme.get(f"/api/v1/memories/{memory}").json()["links"]
    assert {(link["kind"], link["external_id"], link["target"]) for link in got} == {
        ("follows", "early", early),
        ("about", "late", late),
        ("supports", "never", None),
    }


def test_a_link_does_not_cross_sources(acme):
    acme.store("other", source="mail", external_id="e-1")
    memory = acme.store("x", source="crm", links=[{"kind": "follows", "external_id": "e-1"}])
    assert acme.get(f"/api/v1/memories/{memory}").json()["links"][0]["target"] is None


def test_a_link_given_twice_is_kept_once(acme):
    memory = acme.store("x", links=[{"kind": "follows", "external_id": "e-1"}] * 2)
    assert len(acme.get(f"/api/v1/memories/{memory}").json()["links"]) == 1


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
def test_given_vector_is_used(acme, scale):
    probe = [0.0] * DIMENSION
    probe[3] = scale
    memory = acme.store("zebra", embedding=probe)
    [hit] = acme.search("giraffe", search_type="neural")
    assert hit["id"] == memory
    # MiniLM's own vector of this word would be nearer than one axis
    assert abs(hit["explanation"][0]["raw"]) < 0.3


@pytest.mark.parametrize(
    ("embedding", "loc"),
    [
        ([1.0], ["body", "embedding"]),
        ([1.0] * (DIMENSION + 1), ["body", "embedding"]),
        ([], ["body", "embedding"]),
        ([0.0] * DIMENSION, ["body", "embedding"]),
        (["nan"] * DIMENSION, ["body", "embedding"]),
        ([1.0] * (DIMENSION - 1) + ["inf"], ["body", "embedding"]),
        ([None] + [1.0] * (DIMENSION - 1), ["body", "embedding", 0]),
        ("1.0", ["body", "embedding"]),
    ],
)
def test_invalid_vector_is_422(acme, embedding, loc):
    response = acme.post("/api/v1/memories", {"content": "x", "embedding": embedding})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == loc
    assert memories(acme)["results"] == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_could_not_be_read_back_is_422(acme, moment):
    response = acme.post("/api/v1/memories", {"content": "x", "valid_from": moment})
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "valid_from"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", 0, -1e9])
def test_a_time_at_the_edge_comes_back(acme, moment):
    memory = acme.store("x", valid_from=moment)
    got = acme.get(f"/api/v1/memories/{memory}").json()["valid_from"]
    expected = datetime.fromtimestamp(moment, UTC).isoformat() if isinstance(moment, int | float) else moment
    assert got == expected.replace("+00:00", "Z")


def test_an_end_before_the_beginning_is_422(acme):
    body = {"content": "x", "valid_from": "2025-01-02T00:00:00Z", "valid_to": "2025-01-01T00:00:00Z"}
    response = acme.post("/api/v1/memories", body)
    assert response.status_code == 422
    assert "valid_to" in response.json()["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {"importance": -0.01},
        {"importance": 1.01},
        {"importance": "nan"},
        {"memory_type": "m" * 101},
        {"source": "s" * 101},
        {"external_id": "e" * 301},
        {"tags": ["t" * 101]},
        {"tags": ["t"] * 101},
        {"tags": "t"},
        {"links": [{"kind": "Hates", "external_id": "e"}]},
        {"links": [{"kind": "follows", "external_id": ""}]},
        {"links": [{"kind": "follows"}]},
        {"links": [{"kind": "follows", "external_id": "e"}] * 1001},
        {"valid_from": "yesterday"},
        {"metadata": ["a"]},
        {"content": None},
    ],
)
def test_a_field_at_fault_is_422_and_named(acme, fields):
    response = acme.post("/api/v1/memories", {"content": "x"} | fields)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][:2] == ["body", next(iter(fields))]
    assert memories(acme)["results"] == []


def test_the_longest_values_fit_their_indexes(acme):
    wide = "\U0001f600"
    memory = acme.store(
        "x",
        memory_type=wide * 100,
        source=wide * 100,
        external_id=wide * 300,
        tags=[wide * 100] * 100,
        metadata={wide * 200: wide * 200, "k": wide * 100_000},
        links=[{"kind": "about", "external_id": wide * 299 + "x"}],
    )
    assert acme.get(f"/api/v1/memories/{memory}").json()["external_id"] == wide * 300


def test_a_list_is_newest_first(acme):
    ids = [acme.store(str(number)) for number in range(3)]
    listed = memories(acme)
    assert [row["id"] for row in listed["results"]] == ids[::-1]
    assert listed["next"] is None
    assert list(listed["results"][0]) == FIELDS


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_cover_the_list_once(acme, limit):
    ids = [acme.store(str(number)) for number in range(4)]
    seen, following = [], f"/api/v1/memories?limit={limit}"
    while following:
        page = acme.get(following).json()
        assert 0 < len(page["results"]) <= limit
        seen += [row["id"] for row in page["results"]]
        following = page["next"]
    assert seen == ids[::-1]


def test_the_next_page_keeps_the_filters(acme):
    kept = [acme.store(str(number), memory_type="a&b=c") for number in range(3)]
    acme.store("other")
    first = memories(acme, "?memory_type=a%26b%3Dc&limit=2")
    assert "memory_type=a%26b%3Dc" in first["next"]
    second = acme.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == kept[::-1]


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("memory_type=note", "a"),
        ("source=crm", "b"),
        ("external_id=e-1", "c"),
        ("source=mail&external_id=e-1", "c"),
    ],
)
def test_a_list_filters(acme, query, content):
    acme.store("a", memory_type="note")
    acme.store("b", source="crm", external_id="e-2")
    acme.store("c", source="mail", external_id="e-1")
    assert [row["content"] for row in memories(acme, f"?{query}")["results"]] == [content]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=201", "limit=x", "limit=1.5", "limit=" + "9" * 3000, "cursor=rubbish", "cursor=%F0",
     "cursor=A" * 5, "cursor=" + "A" * 5000, "memory_type=%00", "source=a%00", "external_id=%00", "cursor=%00"],
)  # fmt: skip
def test_a_bad_query_string_is_422(acme, query):
    response = acme.get(f"/api/v1/memories?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][0] == "query"


@pytest.mark.parametrize("query", ["source=%ff%fe", "memory_type=%ED%A0%80", "limit=2&limit=2", "&&&="])
def test_an_odd_query_string_is_not_an_error(acme, query):
    assert acme.get(f"/api/v1/memories?{query}").status_code == 200


def test_too_many_parameters_are_400(acme):
    response = acme.get("/api/v1/memories?" + "a&" * 1001)
    assert response.status_code == 400
    assert response.json()["code"] == "liftos.bad_request"


def test_the_same_large_number_again_is_unchanged(acme):
    sent = {"content": "x", "metadata": {"a": 1e23}, "external_id": "e-1"}
    assert [acme.post("/api/v1/memories", sent).status_code for _ in range(2)] == [201, 200]


def test_true_is_not_one(acme):
    acme.store("x", metadata={"a": True}, external_id="e-1")
    response = acme.post("/api/v1/memories", {"content": "x", "metadata": {"a": 1}, "external_id": "e-1"})
    assert response.status_code == 409


def test_a_taken_external_id_names_the_other_memory(acme):
    first = acme.store("x", source="crm", external_id="e-1")
    acme.store("x", external_id="e-1")
    response = acme.post("/api/v1/memories", {"content": "y", "source": "crm", "external_id": "e-1"})
    assert response.status_code == 409
    assert response.json()["memory_id"] == first
    assert first in response.json()["detail"]
    old = acme.store("z")
    taken = {"content": "y", "source": "crm", "external_id": "e-1"}
    response = acme.post(f"/api/v1/memories/{old}/supersede", taken)
    assert (response.status_code, response.json()["memory_id"]) == (409, first)
    raw = b'{"content": "y", "source": "crm", "external_id": "e-1"}'
    [line] = acme.send("/api/v1/memories/bulk", raw, "application/x-ndjson").json()["results"]
    assert (line["status"], line["id"], line["error"]["memory_id"]) == (409, first, first)


@pytest.mark.parametrize(
    ("sent", "content", "metadata"),
    [
        ({"content": {"b": 1, "a": "é"}}, {"a": "é", "b": 1}, {}),
        ({"content": "x", "content_type": "text"}, "x", {"content_type": "text"}),
        (
            {"content": "x", "content_type": "a", "metadata": {"content_type": "b", "k": 1}},
            "x",
            {"content_type": "b", "k": 1},
        ),
        ({"content": {}, "content_type": "insight", "metadata": None}, {}, {"content_type": "insight"}),
    ],
)
def test_what_old_callers_send_is_taken(acme, sent, content, metadata):
    response = acme.post("/api/v1/memories", sent | {"user_id": "u-7"})
    assert response.status_code == 201, response.content
    got = acme.get(f"/api/v1/memories/{response.json()['memory_id']}").json()
    assert (got["content"], got["metadata"]) == (content, metadata)
    decision = acme.get(f"/api/v1/decisions/{response.json()['decision_id']}").json()
    assert decision["on_behalf_of"] == "u-7"


def test_a_header_names_the_user_before_a_body_does(acme):
    response = acme.post("/api/v1/memories", {"content": "x", "user_id": 7}, **{"x-user-id": "u-1"})
    decision = acme.get(f"/api/v1/decisions/{response.json()['decision_id']}").json()
    assert decision["on_behalf_of"] == "u-1"


@pytest.mark.parametrize(
    "sent",
    [
        {"user_id": "u" * 201},
        {"user_id": ["u"]},
        {"content_type": 5},
        {"content_type": "c" * 201},
        {"content": [1]},
    ],
)
def test_what_no_old_caller_sent_is_422(acme, sent):
    response = acme.post("/api/v1/memories", {"content": "x"} | sent)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][:2] == ["body", next(iter(sent))]
