"""The sample of `make up`: a coherent year of memories, decisions, verdicts and open work."""

import json
from collections import Counter
from datetime import date

import pytest
from django.core.management import call_command

from accountability.ledger.verification import verify_log
from accountability.models import DecisionRecord, ReviewCase
from accountability.models.calibration import Calibration
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.queries import get_organisation
from liftos.kernel.tenancy.types import SYSTEM
from liftos.sample import sample_memories
from liftos.sample.judgements import KINDS
from memory.models import Memory, MemoryLink
from memory.search.service import search
from memory.search.types import SearchRequest


@pytest.fixture(scope="module")
def drafts():
    return list(sample_memories())


def test_several_hundred_memories_of_a_year_each_its_own(drafts):
    assert len(drafts) >= 250
    assert len({each.external_id for each in drafts}) == len({each.content for each in drafts}) == len(drafts)
    dates = sorted(date.fromisoformat(each.metadata["date"]) for each in drafts if "date" in each.metadata)
    assert (dates[-1] - dates[0]).days > 340
    kinds = Counter(each.memory_type for each in drafts)
    assert len(kinds) >= 10
    assert max(kinds.values()) < len(drafts) / 3


def test_links_and_citations_lead_somewhere(drafts):
    known = {each.external_id for each in drafts}
    linked = [link.external_id for each in drafts for link in each.links]
    assert len(linked) >= 25
    assert set(linked) <= known
    assert {name for kind in KINDS for name in kind.cites} <= known


def test_loaded_it_has_work_left_and_a_calibration(committed_db, capsys):
    call_command("load_sample")
    credentials = json.loads(capsys.readouterr().out)
    organisation = get_organisation(credentials["org"]).id
    with tenant_transaction(organisation):
        assert Memory.objects.count() >= 250
        assert not MemoryLink.objects.filter(target=None).exists()
        states = Counter(ReviewCase.objects.values_list("state", flat=True))
        assert states["approved"] > 40
        assert states["overturned"] > 20
        assert states["open"] > 5
        assert states["waiting_second"] == states["waiting_information"] == 1
        assert Calibration.objects.count() >= 4
        assert DecisionRecord.objects.filter(operation="decision.review").count() >= 130
        [*_, last] = verify_log(organisation)
        assert last.verdict.holds
    found = search(
        organisation=organisation,
        by=SYSTEM,
        request=SearchRequest(query="what does brand search bring while it is paused"),
    )
    assert found.hits
    call_command("load_sample")
    again = json.loads(capsys.readouterr().out)
    assert again["api_key"] != credentials["api_key"]
    with tenant_transaction(organisation):
        assert Memory.objects.count() == len(list(sample_memories()))
