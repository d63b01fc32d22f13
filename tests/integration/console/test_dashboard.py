"""The admin's first page: the open organisation's figures, by queries whose number does not grow."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.telemetry.metrics.minutes import MinuteWriter
from memory.index.embeddings import clear_choices
from tests.conftest import make_caller


@pytest.fixture
def staff(committed_db):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_it_shows_the_open_organisation_alone(staff):
    own, other = make_caller("Own"), make_caller("Other")
    for turn in range(3):
        own.store(f"note {turn}")
    other.store("another's")
    own.post("/api/v1/search", {"query": "note"})
    own.post("/api/v1/decisions", {"operation": "o", "reasoning": "r", "confidence": 0.75})
    writer = MinuteWriter(get_observability())
    writer.flush()
    page = staff.get(f"/admin/?_organisation={own.slug}", follow=True)
    tiles = {tile.name: tile.value for tile in page.context["dashboard"].tiles}
    assert tiles["Memories"] == "3"
    assert int(tiles["Searches, 24 h"]) == 1
    assert tiles["Succeeded, 24 h"] == "100.00%"
    text = page.content.decode()
    assert "searches" in text
    assert "0.7: 1 decisions" in text
    page = staff.get(f"/admin/?_organisation={other.slug}", follow=True)
    assert {tile.name: tile.value for tile in page.context["dashboard"].tiles}["Memories"] == "1"


def test_without_an_organisation_only_the_list_is_shown(staff):
    page = staff.get("/admin/")
    assert page.status_code == 200
    assert "dashboard" not in page.context


def test_the_number_of_queries_does_not_grow(staff):
    own = make_caller("Own")

    def asked():
        # read every two seconds; here every time
        clear_choices()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert staff.get(f"/admin/?_organisation={own.slug}", follow=True).status_code == 200
        return len(queries)

    asked()
    before = asked()
    for turn in range(12):
        own.store(f"note {turn}")
        own.post("/api/v1/search", {"query": "note"})
    MinuteWriter(get_observability()).flush()
    assert asked() <= before
