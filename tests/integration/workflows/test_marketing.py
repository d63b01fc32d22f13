"""The marketing templates on the sample organisation's memories, and memory's functions for them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.models import Membership, Organisation
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind, Role
from liftos.sample import sample_memories
from memory.hygiene import check_health
from memory.models import Memory
from memory.operations import remember, remember_many
from memory.queries import list_recent
from memory.trust.corrections import contest
from memory.types import LinkDraft, LinkKind, MemoryDraft
from tests.factories.flows import read_run, run_again, statuses, steps_of
from workflows.definition import parse
from workflows.engine.waiting import wait_for
from workflows.marketing import TEMPLATES, read_template
from workflows.models import Run, Template
from workflows.publishing.templates import publish, save_draft
from workflows.runs.controls import approve

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def organisation():
    return create_organisation(name="Solo", by=SYSTEM).id


# a digest holds at most a hundred memories; of the sample's year this is less
BEGINNING = list(sample_memories())[:36]


@pytest.fixture
def sample(organisation):
    remember_many(organisation=organisation, by=SYSTEM, drafts=BEGINNING)
    for name in TEMPLATES:
        draft = save_draft(organisation=organisation, by=SYSTEM, payload=read_template(name))
        publish(organisation=organisation, by=SYSTEM, template=draft.template_id)
    return organisation


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_fault(name):
    assert parse(read_template(name), functions=find_function).name == name


def test_the_digest_quotes_what_is_new_and_is_on_record(sample):
    run = run_again(sample, name="weekly_insight_digest", given={"limit": 20})
    assert (run.status, statuses(run)["post"]) == ("completed", "skipped")
    result = steps_of(run)["digest"].result
    news = [each for each in BEGINNING if each.memory_type in ("insight", "experiment", "model_run")]
    assert result["count"] == len(news) > 10
    assert "The spring hiking campaign lifted online conversions by 14%" in result["content"]
    assert "contradicts: Geo holdout in six coastal cities" in result["content"]
    with tenant_transaction(sample):
        record = DecisionRecord.objects.get(operation="marketing.digest")
        assert record.payload.values["outputs"]["digest"] == result["content"]
        assert [each["id"] for each in record.payload.values["memories"]] == result["memory_ids"]


def test_a_week_without_news_has_no_digest(sample):
    run = run_again(sample, name="weekly_insight_digest", given={"memory_types": ["nothing of this type"]})
    assert run.status == "completed"
    assert {name: statuses(run)[name] for name in ("recent", "digest", "on_record", "post")} == {
        "recent": "done", "digest": "skipped", "on_record": "skipped", "post": "skipped",
    }  # fmt: skip


def state_of(organisation, external_id):
    with tenant_transaction(organisation):
        return Memory.objects.get(external_id=external_id, head=None).state


def test_hygiene_asks_a_person_and_then_marks_what_is_contradicted(sample):
    run = run_again(sample, name="memory_hygiene")
    assert statuses(run) == {"look": "done", "on_record": "done", "contest": "awaiting_approval"}
    assert state_of(sample, "exp-001") == "active"
    ann = Actor(ActorKind.STAFF, "ann")
    user = User.objects.create_user("ann", is_staff=True)
    Membership.objects.create(user=user, organisation_id=sample, role=Role.OWNER)
    approve(organisation=sample, by=ann, run=run.id, step="contest", reason="both were looked at")
    wait_for(organisation=sample, run=run.id, seconds=20)
    assert read_run(sample, run.id).status == "completed"
    assert [state_of(sample, each) for each in ("exp-001", "mod-001", "exp-002", "mod-002")] == [
        "contested", "contested", "active", "active",
    ]  # fmt: skip
    again = run_again(sample, name="memory_hygiene")
    assert (again.status, statuses(again)["contest"]) == ("completed", "skipped")


def test_hygiene_that_is_refused_changes_nothing(sample):
    run = run_again(sample, name="memory_hygiene")
    approve(organisation=sample, by=SYSTEM, run=run.id, step="contest", approved=False, reason="no")
    assert read_run(sample, run.id).status == "failed"
    assert state_of(sample, "exp-001") == "active"


def store(organisation, content, **more):
    return remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(content, **more)).id


def health(organisation, **more):
    given = {"limit": 20, "contested_for": timedelta(days=30), "now": datetime.now(UTC)} | more
    with tenant_transaction(organisation):
        return check_health(organisation=organisation, **given)


def test_doubles_are_found_however_they_are_written(organisation):
    first, second = store(organisation, "Boots sell well"), store(organisation, "boots   sell WELL")
    store(organisation, "Hats sell well")
    (double,) = health(organisation).doubles
    assert (double.memories, double.count, double.text) == ((first, second), 2, "Boots sell well")


def test_a_pair_that_contradicts_each_other_is_one_contradiction_and_ends_when_one_is_doubted(organisation):
    def against(external_id, other):
        link = LinkDraft(LinkKind.CONTRADICTS, other)
        return store(organisation, external_id, source="s", external_id=external_id, links=(link,))

    first, second = against("a", "b"), against("b", "a")
    (found,) = health(organisation).contradictions
    assert {found.contradicted, found.contradicting} == {first, second}
    contest(organisation=organisation, by=SYSTEM, memory=first)
    assert health(organisation).contradictions == ()


def test_doubts_are_told_of_when_they_are_old(organisation):
    memory = store(organisation, "Boots sell well")
    contest(organisation=organisation, by=SYSTEM, memory=memory)
    assert health(organisation).doubts == ()
    (doubt,) = health(organisation, now=datetime.now(UTC) + timedelta(days=31)).doubts
    assert doubt.memory == memory


def test_counts_and_limits(organisation):
    for number in range(3):
        store(organisation, f"memory {number}")
        store(organisation, f"memory {number}", source="s")
    found = health(organisation, limit=2)
    assert (found.memories, found.unsourced, found.waiting, len(found.doubles)) == (6, 3, 0, 2)
    other = create_organisation(name="Other", by=SYSTEM).id
    assert health(other).memories == 0


def test_recent_is_by_importance_and_only_what_is_believed(organisation):
    now = datetime.now(UTC)
    low, high = store(organisation, "low", importance=0.1), store(organisation, "high", importance=0.9)
    store(organisation, "over", expires_at=now - timedelta(hours=1))
    typed = store(organisation, "typed", memory_type="insight", importance=0.2)

    def recent(**more):
        with tenant_transaction(organisation):
            rows = list_recent(
                **{
                    "organisation": organisation,
                    "since": now - timedelta(days=1),
                    "memory_types": None,
                    "limit": 10,
                }
                | more
            )
            return [row.id for row in rows]

    assert recent() == [high, typed, low]
    assert recent(memory_types=["insight"]) == [typed]
    assert recent(limit=1) == [high]
    assert recent(since=datetime.now(UTC)) == []


def test_the_sample_organisation_comes_with_templates_and_runs_and_is_loaded_once(capsys):
    call_command("load_sample")
    organisation = Organisation.objects.get(name="Harbour and Pine").id

    def there():
        with tenant_transaction(organisation):
            runs = Run.objects.order_by("id").values_list("name", "status")
            return sorted(Template.objects.values_list("name", flat=True)), list(runs)

    templates, runs = there()
    assert templates == [
        "causal_impact", "enhanced_search_workflow", "geo_lift", "memory_hygiene", "weekly_insight_digest",
    ]  # fmt: skip
    assert [status for _, status in runs] == ["completed", "completed", "completed", "running"]
    call_command("load_sample")
    assert there() == (templates, runs)
