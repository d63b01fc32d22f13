"""The admin's decision pages: content and speed."""

import re
from itertools import pairwise
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accountability.admin.chain_diagram import edges, layout
from accountability.decisions.chains import get_chain
from accountability.ledger.sequencer import drain
from accountability.models import DecisionRecord
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.tenancy.types import SYSTEM
from tests.conftest import make_caller
from tests.factories.erasures import scrub

LIST = "/admin/accountability/decisionrecord/"


@pytest.fixture
def caller(committed_db):
    return make_caller("Acme")


@pytest.fixture
def staff(caller):
    client = Client()
    client.force_login(User.objects.create_user("ann", is_staff=True, is_superuser=True))
    client.get("/admin/")
    return client


def put(caller, operation="test", **fields):
    with tenant_transaction(caller.organisation):
        return record(
            organisation=caller.organisation,
            by=SYSTEM,
            operation=operation,
            reasoning=f"because of {operation}",
            **fields,
        )


def page(staff, decision):
    response = staff.get(f"{LIST}{decision}/change/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_chain_is_drawn_and_its_nodes_lead_to_the_decisions(caller, staff):
    first = put(caller, "plan")
    left, right = put(caller, "ask", parents=[first]), put(caller, "<b>look</b>", parents=[first])
    last = put(caller, "act", parents=[left, right], confidence=0.25)
    html = page(staff, left)
    [picture] = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert 'aria-label="Chain of 3 decisions"' in picture
    for decision in (first, left, last):
        assert f'href="{LIST}{decision}/change/"' in picture
    assert picture.count("marker-end") == 2
    assert "0.25" in picture
    assert "because of plan" in picture
    both = page(staff, first)
    assert "&lt;b&gt;look&lt;/b&gt;" in both
    assert "<b>look" not in both


def test_a_chain_is_laid_out_in_columns_that_do_not_overlap(caller):
    first = put(caller, "plan")
    middle = [put(caller, f"step {number}", parents=[first]) for number in range(3)]
    last = put(caller, "act", parents=middle)
    with tenant_transaction(caller.organisation):
        steps = get_chain(organisation=caller.organisation, decision=first)
    places = layout(steps)
    assert set(edges(steps)) == {(first, each) for each in middle} | {(each, last) for each in middle}
    assert places[first][0] < places[middle[0]][0] < places[last][0]
    assert places[first][1] == places[middle[1]][1] == places[last][1]
    heights = sorted(places[each][1] for each in middle)
    assert all(below - above >= 46 for above, below in pairwise(heights))


def test_the_page_shows_receipt_proof_and_trace(caller, staff):
    memory = caller.store("otters hold hands")
    answer = caller.post("/api/v1/search", {"query": "who holds hands"}).json()
    decision = answer["decision_id"]
    assert "waiting for its place in the log" in page(staff, decision)
    drain(organisation=caller.organisation)
    trace_id = caller.get(f"/api/v1/decisions/{decision}").json()["trace_id"]
    assert "not kept" in page(staff, decision)
    span = {
        "span_id": "a" * 16,
        "parent_id": "",
        "name": "POST /api/v1/search",
        "level": "INFO",
        "start_ns": 0,
    }
    span |= {"duration_ns": 5_000_000, "status": "ok", "error_type": "", "tags": {}}
    with tenant_transaction(caller.organisation):
        TraceRecord.objects.create(
            organisation_id=caller.organisation, trace_id=trace_id, name="x", status="ok", duration_ms=5.0,
            started_at="2026-01-01T00:00:00Z", spans=[span],
        )  # fmt: skip
    html = page(staff, decision)
    assert f'href="/admin/memory/memory/{memory}/change/"' in html
    assert re.search(r"meaning 0\.\d{4}, words 0\.\d{4}", html)
    assert "verified: record" in html
    assert 'aria-label="Spans"' in html
    assert "POST /api/v1/search" in html


def test_erased_payload_is_shown_as_erased(caller, staff):
    memory = uuid4()
    decision = put(caller, memories=[{"id": str(memory)}], subject=("memory", str(memory)))
    assert scrub(caller.organisation, memory) == 1
    assert page(staff, decision).count("erased") >= 5


def test_list_query_count_does_not_grow(caller, staff):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert staff.get(LIST).status_code == 200
        return [each["sql"] for each in found.captured_queries]

    put(caller)
    few = queries()
    for number in range(60):
        put(caller, f"test {number}")
    many = queries()
    assert len(many) == len(few) <= 7
    # never an unbounded count, and no payloads
    assert not [sql for sql in many if "COUNT(" in sql and "LIMIT" not in sql]
    assert not [sql for sql in many if "decisionpayload" in sql]
    assert not [sql for sql in many if "DISTINCT" in sql]


def test_list_filters_by_known_values(caller, staff):
    kept, gone = put(caller, effect="write"), put(caller, effect="delete")
    html = staff.get(LIST, {"effect": "delete"}).content.decode()
    assert f"{LIST}{gone}/change/" in html
    assert f"{LIST}{kept}/change/" not in html
    for choice in ("effect=read", "risk_class=high", "actor_kind=staff"):
        assert f"?{choice}" in html or f"&amp;{choice}" in html


@pytest.mark.parametrize("name", ["operation", "subject_id", "correlation_id"])
def test_exact_value_finds_its_decisions(caller, staff, name):
    put(caller, "other")
    wanted = put(caller, "wanted", subject=("campaign", "spring"))
    values = caller.get(f"/api/v1/decisions/{wanted}").json()
    html = staff.get(LIST, {"q": values[name]}).content.decode()
    assert f"{LIST}{wanted}/change/" in html
    assert "/change/" not in staff.get(LIST, {"q": "nothing of the kind"}).content.decode().split("<main")[-1]


@pytest.mark.parametrize(("name", "index"), [
    ({"operation": "x"}, "decision_by_operation"),
    ({"effect": "delete"}, "decision_deleting"),
    ({"risk_class": "high"}, "decision_at_risk"),
    ({"actor_kind": "staff"}, "decision_by_hand"),
])  # fmt: skip
def test_rare_values_are_found_by_an_index(caller, name, index):
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        rows = DecisionRecord.objects.filter(organisation_id=caller.organisation, **name).order_by("-id")
        plan = rows[:100].explain()
    assert index in plan
