"""Both sides of every check constraint."""

from datetime import timedelta

import pytest
from django.db import Error, transaction
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.ids import new_id
from tests.factories.workflows import make_rows, make_run, make_step
from workflows.models import Policy, Run, Step, Template, TemplateVersion, Transition


@pytest.fixture
def run(organisation):
    return make_rows(organisation)


def refused(organisation, by, act):
    """Assert that Postgres refuses an action with this constraint or message."""
    with pytest.raises(Error) as caught, tenant_transaction(organisation), transaction.atomic():
        act()
    said = caught.value.__cause__.diag
    assert by in (said.constraint_name, said.message_primary), (said.constraint_name, said.message_primary)


def taken(organisation, act):
    with tenant_transaction(organisation):
        return act()


SOON = timezone.now() + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("constraint", "bad", "good"),
    [
        ("step_status_known", {"status": "asleep"}, {"status": "ready"}),
        ("step_priority_of_five", {"priority": 0}, {"priority": 1}),
        ("step_priority_of_five", {"priority": 6}, {"priority": 5}),
        ("step_counts", {"waiting_on": -1}, {"waiting_on": 1}),
        ("step_counts", {"open_items": -1}, {"open_items": 1}),
        (
            "step_claimed_while_running",
            {"status": "ready", "token": new_id(), "lease_until": SOON},
            {"status": "running", "token": new_id(), "lease_until": SOON},
        ),
        ("step_claimed_while_running", {"status": "running", "token": new_id()}, {"status": "running"}),
        ("step_once", {"name": "s"}, {"name": "s", "item": 0}),
    ],
)
def test_steps(organisation, run, constraint, bad, good):
    refused(organisation, constraint, lambda: make_step(run, **({"name": "other"} | bad)))
    assert taken(organisation, lambda: make_step(run, **({"name": "other"} | good)))


@pytest.mark.parametrize(
    ("constraint", "bad", "good"),
    [
        # which knows the six statuses too, and is asked first
        ("run_ended_has_an_end", {"status": "asleep"}, {"status": "paused"}),
        ("run_ended_has_an_end", {"status": "completed"}, {"status": "completed", "finished_at": SOON}),
        ("run_ended_has_an_end", {"status": "running", "finished_at": SOON}, {"status": "running"}),
        ("run_counts", {"open_steps": -1}, {"open_steps": 0}),
        ("run_counts", {"failed_steps": -1}, {"failed_steps": 1}),
    ],
)
def test_runs(organisation, run, constraint, bad, good):
    refused(organisation, constraint, lambda: make_run(organisation, **bad))
    assert taken(organisation, lambda: make_run(organisation, **good))


def test_a_code_names_one_run(organisation, run):
    refused(organisation, "run_by_code", lambda: make_run(organisation, code=run.code))
    assert taken(organisation, lambda: make_run(organisation, code=run.code[::-1]))


def test_a_policy_lets_a_step_run(organisation, run):
    policies = Policy.objects.filter(organisation_id=organisation)
    refused(organisation, "policy_lets_a_step_run", lambda: policies.update(concurrency=0))
    assert taken(organisation, lambda: policies.update(concurrency=1)) == 1


def test_what_is_published_stays(organisation, run):
    versions = TemplateVersion.objects.filter(id=run.version_id)
    assert taken(organisation, lambda: versions.update(payload={"a": 1})) == 1
    assert taken(organisation, lambda: versions.update(status="published")) == 1
    changed, gone = (
        "a published version of a workflow does not change",
        "a published version of a workflow stays",
    )
    refused(organisation, changed, lambda: versions.update(payload={"a": 2}))
    refused(organisation, changed, lambda: versions.update(definition={"a": 2}))
    refused(organisation, changed, lambda: versions.update(status="draft"))
    refused(organisation, gone, versions.delete)
    assert taken(organisation, lambda: versions.update(status="retired")) == 1


def test_a_template_has_one_draft_and_one_of_each_number(organisation, run):
    template = taken(organisation, lambda: Template.objects.get(organisation_id=organisation))

    def version(**fields):
        return lambda: TemplateVersion.objects.create(
            organisation_id=organisation, template=template, payload={}, definition={}, **fields
        )

    refused(organisation, "version_one_draft", version(number=2))
    refused(organisation, "version_by_number", version(number=1, status="published"))
    refused(organisation, "version_status_known", version(number=2, status="odd"))
    assert taken(organisation, version(number=2, status="published"))


def test_names_are_an_organisations_own(organisations):
    for each in organisations:
        taken(each, lambda each=each: Template.objects.create(organisation_id=each, name="same"))
    refused(
        organisations[0],
        "template_by_name",
        lambda: Template.objects.create(organisation_id=organisations[0], name="same"),
    )
    for each in organisations:
        with tenant_transaction(each):
            assert list(Template.objects.values_list("name", flat=True)) == ["same"]


def test_nothing_hangs_on_another_organisations_row(organisations):
    mine, theirs = (make_rows(each) for each in organisations)

    def step_of_theirs():
        Step.objects.create(organisation_id=mine.organisation_id, run_id=theirs.id, name="x", position=0)

    def run_of_theirs():
        make_run(mine.organisation_id, version_id=theirs.version_id)

    assert taken(mine.organisation_id, lambda: make_run(mine.organisation_id, version_id=mine.version_id))
    refused(mine.organisation_id, "step_of_own_run", step_of_theirs)
    refused(mine.organisation_id, "run_of_own_version", run_of_theirs)


def test_history_is_added_to_only_and_goes_with_its_run(organisation, run):
    rows = Transition.objects.filter(organisation_id=organisation)
    refused(organisation, "permission denied for table workflows_transition", lambda: rows.update(reason="x"))
    assert taken(organisation, rows.count) == 1
    taken(organisation, lambda: Run.objects.filter(id=run.id)._raw_delete("default"))
    assert taken(organisation, rows.count) == 0
