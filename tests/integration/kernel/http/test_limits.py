"""Rate limits on a real Redis."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks
from redis.exceptions import ConnectionError as RedisAway

from liftos.kernel.http import limits
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM
from tests.conftest import make_caller

PATH = "/api/v1/memories"
OLD = "/insights"


@pytest.fixture
def two(committed_db):
    return make_caller("First"), make_caller("Second")


@pytest.fixture(autouse=True)
def fresh():
    limits._tally.clear()


def test_without_a_limit_nothing_is_counted(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "none"
    response = two[0].get(PATH)
    assert response.status_code == 200
    assert "X-RateLimit-Limit" not in response


def test_key_has_its_own_window_and_sees_the_remainder(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "3/hour"
    own, other = two
    left = [own.get(PATH)["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    for path in (PATH, OLD):
        refused = own.get(path)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 3600
        assert refused["X-Correlation-Id"]
    assert refused.json() == {"detail": "This key may send 3 requests in 3600 seconds."}
    problem = own.get(PATH).json()
    assert (problem["title"], problem["code"]) == ("Too Many Requests", "liftos.rate_limited")
    allowed = other.get(PATH)
    assert (allowed.status_code, allowed["X-RateLimit-Limit"], allowed["X-RateLimit-Remaining"]) == (200, "3", "2")  # fmt: skip


def test_refused_writes_leave_nothing(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "1/hour"
    own, _ = two
    own.store("kept")
    assert own.post(PATH, {"content": "refused"}).status_code == 429
    settings.LIFTOS_RATE_LIMIT_KEY = ""
    assert [each["content"] for each in own.get(PATH).json()["results"]] == ["kept"]


def test_the_keys_of_an_organisation_share_its_window(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "100/hour"
    settings.LIFTOS_RATE_LIMIT_ORGANISATION = "2/hour;50/day"
    own, other = two
    _, token = create_api_key(organisation=own.organisation, by=SYSTEM, name="colleague's")
    colleague = replace(own, token=token)
    assert own.get(PATH)["X-RateLimit-Remaining"] == "1"
    assert colleague.get(PATH)["X-RateLimit-Remaining"] == "0"
    assert own.get(PATH).json()["detail"] == "This organisation may send 2 requests in 3600 seconds."
    assert other.get(PATH).status_code == 200


def test_without_redis_nobody_is_refused(two, settings, monkeypatch):
    settings.LIFTOS_RATE_LIMIT_KEY = "1/hour"

    def away(*args):
        raise RedisAway

    monkeypatch.setattr(limits, "_count", away)
    assert [two[0].get(PATH).status_code for _ in range(3)] == [200] * 3


def test_invalid_limit_is_reported(settings):
    settings.LIFTOS_RATE_LIMIT_ORGANISATION = "many"
    assert [each.id for each in run_checks(tags=["liftos"])] == ["liftos.E004"]


def test_there_is_a_limit_by_default(two):
    assert two[0].get(PATH)["X-RateLimit-Limit"] == "12000"


def test_a_batch_counts_as_its_queries(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "10/hour"
    own, _ = two
    for path, body in (
        ("/api/v1/search/batch", {"queries": ["a", "b", "c"]}),
        ("/search/batch", ["a", "b", "c"]),
    ):
        assert own.post(path, body).status_code == 200
    assert own.get(PATH)["X-RateLimit-Remaining"] == "3"
    assert own.post("/search/batch", ["a", "b", "c", "d"]).status_code == 429
    # what was refused was not counted
    assert own.get(PATH)["X-RateLimit-Remaining"] == "2"


def test_a_request_larger_than_the_limit_takes_all_of_it(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "5/hour"
    own, _ = two
    assert own.post("/search/batch", ["a"] * 9).status_code == 200
    assert own.get(PATH).status_code == 429


def test_redis_is_called_once_per_hundredth_of_the_limit(two, settings, monkeypatch):
    settings.LIFTOS_RATE_LIMIT_KEY = "1000/hour"
    asked = []
    limiter = limits._limiter()
    monkeypatch.setattr(limits, "_limiter", lambda: asked.append(1) or limiter)
    own, _ = two
    left = [int(own.get(PATH)["X-RateLimit-Remaining"]) for _ in range(21)]
    # the first request, then one in ten; three questions each time
    assert len(asked) == 3 * 3
    assert left == [999 - number for number in range(21)]


def test_limit_applies_across_processes(two, settings):
    settings.LIFTOS_RATE_LIMIT_KEY = "200/hour"
    own, _ = two
    answered = 0
    for _ in range(260):
        # each request another process, that knows nothing
        limits._tally.clear()
        answered += own.get(PATH).status_code == 200
    assert answered == 200
