"""Workflows in the admin: pages, and actions that are recorded."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from tests.conftest import make_caller
from tests.factories.flows import make_template, run_again, run_steps, statuses, step
from workflows.models import Policy, Template, TemplateVersion

TEMPLATES, RUNS, STEPS = (f"/admin/workflows/{name}/" for name in ("template", "run", "step"))


@pytest.fixture
def acme(committed_db):
    return make_caller("Acme")


@pytest.fixture
def staff(acme):
    return signed_in(acme, is_superuser=True)


def signed_in(caller, *rights, **more) -> Client:
    user = User.objects.create_user("ann", password="x", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    if rights:
        user.memberships.create(organisation_id=caller.organisation)
    client = Client()
    client.force_login(user)
    client.get(f"/admin/?_organisation={caller.slug}")
    return client


def text(response) -> str:
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def listed(response) -> str:
    """Return a list page's rows, if any."""
    page = text(response)
    return page.split('id="result_list"', 1)[1].split("</table>")[0] if 'id="result_list"' in page else ""


def on_record(acme, operation):
    with tenant_transaction(acme.organisation):
        return [
            (row.actor_kind, row.actor_id)
            for row in DecisionRecord.objects.filter(operation=operation, actor_kind="staff")
        ]


def write(staff, payload, template=None):
    page = f"{TEMPLATES}{template}/change/" if template else f"{TEMPLATES}add/"
    shown = payload if isinstance(payload, str) else json.dumps(payload)
    return staff.post(page, {"payload": shown, "_continue": "1"}, follow=True)


GOOD = {
    "name": "digest",
    "steps": [{"name": "find", "function": "memory.search", "arguments": {"query": "x"}}],
}


def the_template(acme):
    with tenant_transaction(acme.organisation):
        return Template.objects.get().id


def test_a_template_is_written_published_and_retired_on_record(acme, staff):
    assert "Publish the draft" in text(write(staff, GOOD))
    template = the_template(acme)
    assert "Version 1 published" in text(staff.post(f"{TEMPLATES}{template}/do/publish/", follow=True))
    page = text(write(staff, GOOD | {"description": "each Monday"}, template))
    assert "template description" in page
    assert "each Monday" in page
    assert "Template retired" in text(staff.post(f"{TEMPLATES}{template}/do/retire/", follow=True))
    for operation in ("workflow.save_template", "workflow.publish", "workflow.retire"):
        assert set(on_record(acme, operation)) == {("staff", "ann")}
    assert "version 1" not in text(staff.get(TEMPLATES))


def test_everything_wrong_with_a_template_is_said_and_nothing_is_written(acme, staff):
    faulty = {
        "name": "digest",
        "steps": [
            step("a", "memory.search", depends_on=["b"], arguments={"limit": 500}),
            step("b", "no.such", depends_on=["a"], arguments={}),
        ],
    }
    page = text(write(staff, faulty))
    for message in (
        "step a: depends_on: It depends on itself: a → b → a.",
        "step a: arguments.query: It is required.",
        "step a: arguments.limit: 500 is greater than the maximum of 100.",
        "step b: function: There is no function &#x27;no.such&#x27;; the functions are ",
    ):
        assert message in page
    assert "&quot;no.such&quot;" in page  # what was typed is still there
    with tenant_transaction(acme.organisation):
        assert not Template.objects.exists()


@pytest.mark.parametrize("typed", ["{", "[]", "", '{"name": "a\\u0000"}', '{"name": NaN}', "3"])
def test_invalid_template_is_not_500(acme, staff, typed):
    assert write(staff, typed).status_code == 200
    with tenant_transaction(acme.organisation):
        assert not Template.objects.exists()


def test_a_name_that_is_taken_is_said(acme, staff):
    make_template(acme.organisation, *GOOD["steps"], name="digest")
    assert "A template called digest already exists" in text(write(staff, GOOD))


def test_versions_show_what_they_say_otherwise(acme, staff):
    template = make_template(acme.organisation, *GOOD["steps"], name="digest")
    changed = {"name": "find", "function": "memory.search", "arguments": {"query": "y"}, "priority": 1}
    page = text(
        write(
            staff,
            GOOD | {"steps": [changed, step("tell", "memory.search", arguments={"query": "z"})]},
            template,
        )
    )
    assert "3 differences" in page
    assert "step find arguments.query" in page
    assert "added (memory.search)" in page
    assert 'aria-label="digest, 2 steps"' in page


def test_a_run_is_drawn_with_states_and_durations(acme, staff, calls):
    run = run_steps(
        acme.organisation,
        step("first"),
        step("left", depends_on=["first"], arguments={"value": "<b>bold</b>"}),
        step("right", "test.fail", depends_on=["first"], arguments={"error": "TypeError"}),
        step("last", depends_on=["left", "right"]),
        step("each", map=[1, 2, 3], arguments={"value": "{item}"}),
    )
    page = text(staff.get(f"{RUNS}{run.id}/change/"))
    assert 'aria-label="Run of 5 steps, failed"' in page
    for name in ("first", "left", "right", "last", "each"):
        assert f'href="#step-{name}"' in page
        assert f'id="step-{name}"' in page
    assert "TypeError: it broke" in page
    assert "3 of 3" in page
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page
    assert "5 of 5, 1 failed" in text(staff.get(f"{RUNS}?status=failed"))
    assert run.name in listed(staff.get(f"{RUNS}?status=failed"))
    assert run.name not in listed(staff.get(f"{RUNS}?status=completed"))


def test_a_run_that_failed_is_run_again_from_its_dead_letter(acme, staff, calls):
    run = run_steps(
        acme.organisation,
        step("a"),
        step("b", "test.fail", depends_on=["a"], arguments={"error": "TypeError", "times": 1}),
    )
    assert "it broke" in listed(staff.get(STEPS))
    with tenant_transaction(acme.organisation):
        failed = run.steps.get(name="b").id
    assert "it broke" in text(staff.get(f"{STEPS}{failed}/change/"))
    page = staff.post(STEPS, {"action": "run_again", "_selected_action": [str(failed)]}, follow=True)
    assert "restarted from the failed steps" in text(page)
    assert statuses(run)["b"] == "ready"
    assert on_record(acme, "workflow.rerun") == [("staff", "ann")]
    assert "it broke" not in listed(staff.get(STEPS))


@pytest.mark.parametrize(("how", "becomes"), [("approve", "ready"), ("refuse", "failed")])
def test_a_step_that_waits_for_a_person(acme, staff, calls, how, becomes):
    run = run_steps(acme.organisation, step("ask", approval=True), step("act", depends_on=["ask"]))
    assert "ask" in text(staff.get(f"{STEPS}?needs=approval"))
    page = text(staff.get(f"{RUNS}{run.id}/change/"))
    assert "Approve ask" in page
    assert "Refuse ask" in page
    staff.post(f"{RUNS}{run.id}/do/{how}/ask/", {"reason": "looked at it"}, follow=True)
    assert statuses(run)["ask"] == becomes
    assert on_record(acme, "workflow.approve") == [("staff", "ann")]
    assert "looked at it" in text(staff.get(f"{RUNS}{run.id}/change/"))


def test_pause_resume_and_cancel(acme, staff, calls):
    make_template(acme.organisation, step("a"), step("b", depends_on=["a"]))
    run = run_again(acme.organisation, wait=0)

    def press(how):
        return text(staff.post(f"{RUNS}{run.id}/do/{how}/", {"reason": "x"}, follow=True))

    assert "Resume" in press("pause")
    assert "be paused" in press("pause")
    assert "Run resumed." in press("resume")
    assert "Run cancelled" in press("cancel")
    assert "be cancelled" in press("cancel")
    assert "Unknown action" in press("explode")
    assert statuses(run) == {"a": "cancelled", "b": "cancelled"}
    for how in ("pause", "resume", "cancel"):
        assert on_record(acme, f"workflow.{how}") == [("staff", "ann")]


def test_who_may_only_look_does_nothing(acme, calls):
    run = run_steps(acme.organisation, step("ask", approval=True))
    client = signed_in(acme, "view_run", "view_template", "view_step")
    page = text(client.get(f"{RUNS}{run.id}/change/"))
    assert "Run of 1 steps" in page
    assert "Approve ask" not in page
    assert client.post(f"{RUNS}{run.id}/do/approve/ask/").status_code == 403
    assert client.get(f"{RUNS}{run.id}/do/approve/ask/").status_code == 405
    template = the_template(acme)
    assert "Retire the template" not in text(client.get(f"{TEMPLATES}{template}/change/"))
    assert client.post(f"{TEMPLATES}{template}/do/retire/").status_code == 403
    assert "run_again" not in text(client.get(STEPS))


def test_another_organisations_run_has_no_page_and_no_controls(acme, staff, calls):
    rival = make_caller("Rival")
    run = run_steps(rival.organisation, step("ask", approval=True))
    assert staff.get(f"{RUNS}{run.id}/change/").status_code == 302
    page = staff.post(f"{RUNS}{run.id}/do/approve/ask/", follow=True)
    assert "There is no such run" in page.content.decode()
    assert statuses(run)["ask"] == "awaiting_approval"
    assert "ask" not in listed(staff.get(f"{STEPS}?needs=all"))


def test_the_policy_is_the_open_organisations_and_on_record(acme, staff):
    staff.post(
        "/admin/workflows/policy/add/", {"review_before_publish": "on", "concurrency": "3"}, follow=True
    )
    with tenant_transaction(acme.organisation):
        row = Policy.objects.get()
    assert (row.organisation_id, row.review_before_publish, row.concurrency) == (acme.organisation, True, 3)
    assert on_record(acme, "admin.add") == [("staff", "ann")]
    write(staff, GOOD)
    page = text(staff.post(f"{TEMPLATES}{the_template(acme)}/do/publish/", follow=True))
    assert "somebody other than its author" in page
    with tenant_transaction(acme.organisation):
        assert TemplateVersion.objects.get().status == "draft"
