"""Schedules, triggers and webhooks are created and changed in the admin by the API's rules; faults stand at their fields."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import whole_tenant
from liftos.kernel.outbox.models import Delivery, Webhook
from tests.conftest import make_caller
from tests.factories.flows import registered_functions, step
from tests.security.world import publish_template
from workflows.models import Schedule, Trigger

DAY = {"type": "object", "properties": {"day": {"type": "string"}}}
SCHEDULE = {"name": "dawn", "cron": "0 6 * * *", "timezone": "Europe/Berlin", "template": "flow", "parameters": "", "overlap": "skip", "catch_up": "latest", "jitter_seconds": "0"}  # fmt: skip
TRIGGER = {"name": "t", "event": "liftos.memory.stored", "conditions": "", "template": "flow", "parameters": "", "per_minute": "60", "max_depth": "3"}  # fmt: skip
WEBHOOK = {"url": "http://127.0.0.1:9/", "description": "", "events": "liftos.memory.*", "filters": ""}
PAGES = {
    "schedule": "/admin/workflows/schedule/",
    "trigger": "/admin/workflows/trigger/",
    "webhook": "/admin/events/webhook/",
}


@pytest.fixture
def acme(committed_db):
    with registered_functions():
        made = make_caller("Acme")
        publish_template(made, "flow", [step("a")], parameters=DAY)
        with override_settings(LIFTOS_HTTP_PRIVATE_HOSTS=["127.0.0.1:9"]):
            yield made


@pytest.fixture
def staff(acme):
    user = User.objects.create_user("ann", password="x", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    client.get(f"/admin/?_organisation={acme.slug}")
    return client


def post(staff, page, fields):
    """Send a form; return the faults by field, empty if it was saved."""
    response = staff.post(page, fields)
    if response.status_code == 302:
        return {}
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def rows(acme, model):
    with whole_tenant(acme.organisation):
        return list(model.objects.all())


def on_record(acme, operation):
    with whole_tenant(acme.organisation):
        return DecisionRecord.objects.filter(operation=operation, actor_kind="staff").count()


def test_created_changed_paused_and_deleted_on_record(acme, staff):
    for kind, model, fields, change in (
        ("schedule", Schedule, SCHEDULE | {"parameters": '{"day": "{tick.date}"}'}, {"cron": "0 7 * * *"}),
        ("trigger", Trigger, TRIGGER | {"conditions": '{"memory_type": "note"}'}, {"per_minute": "5"}),
        ("webhook", Webhook, WEBHOOK | {"filters": '{"stars": {"$gte": 3}}'}, {"filters": ""}),
    ):
        page = PAGES[kind]
        assert post(staff, f"{page}add/", fields) == {}
        [row] = rows(acme, model)
        shown = staff.get(f"{page}{row.id}/change/")
        assert shown.status_code == 200
        assert post(staff, f"{page}{row.id}/change/", fields | change) == {}
        staff.post(page, {"action": "pause", "_selected_action": [str(row.id)]})
        assert rows(acme, model)[0].paused_at is not None
        assert staff.get(page).status_code == 200
        assert [on_record(acme, f"{kind}.{verb}") for verb in ("create", "change", "pause")] == [1, 1, 1]
        staff.post(f"{page}{row.id}/delete/", {"post": "yes"})
        assert rows(acme, model) == []
        assert on_record(acme, f"{kind}.delete") == 1


def test_faults_stand_at_their_fields(acme, staff):
    for kind, fields, field, said in (
        ("schedule", SCHEDULE | {"cron": "0 25 * * *"}, "cron", "hour"),
        ("schedule", SCHEDULE | {"timezone": "Mars"}, "timezone", "Mars"),
        ("schedule", SCHEDULE | {"template": "nowhere"}, "template", "nowhere"),
        ("schedule", SCHEDULE | {"parameters": '{"day": 5}'}, "parameters", "day"),
        ("schedule", SCHEDULE | {"parameters": "[1]"}, "parameters", "JSON object"),
        ("schedule", SCHEDULE | {"parameters": "{"}, "parameters", "valid JSON"),
        ("schedule", SCHEDULE | {"overlap": "pile"}, "overlap", "pile"),
        ("schedule", SCHEDULE | {"jitter_seconds": "-1"}, "jitter_seconds", "0"),
        ("trigger", TRIGGER | {"event": "liftos.memory.stord"}, "event", "liftos.memory.stored"),
        ("trigger", TRIGGER | {"conditions": "[1]"}, "conditions", "JSON object"),
        ("trigger", TRIGGER | {"conditions": '{"memory_type": 5}'}, "conditions", "memory_type"),
        ("trigger", TRIGGER | {"parameters": '"x"'}, "parameters", "JSON object"),
        ("trigger", TRIGGER | {"parameters": '{"day": "{now}"}'}, "parameters", "now"),
        ("trigger", TRIGGER | {"template": "nowhere"}, "template", "nowhere"),
        ("trigger", TRIGGER | {"per_minute": "0"}, "per_minute", "1"),
        ("trigger", TRIGGER | {"max_depth": "99"}, "max_depth", "20"),
        ("webhook", WEBHOOK | {"url": "http://elsewhere.example/"}, "url", "elsewhere.example"),
        ("webhook", WEBHOOK | {"url": "ftp://x"}, "url", ""),
        ("webhook", WEBHOOK | {"events": "liftos.nothing"}, "events", "liftos.nothing"),
        ("webhook", WEBHOOK | {"filters": "[1]"}, "filters", "JSON object"),
        ("webhook", WEBHOOK | {"filters": '{"a": {"$foo": 1}}'}, "filters", "operator"),
    ):  # fmt: skip
        faults = post(staff, f"{PAGES[kind]}add/", fields)
        assert list(faults) == [field], (kind, fields, faults)
        assert said in str(faults[field]), (said, faults)
    assert [rows(acme, model) for model in (Schedule, Trigger, Webhook)] == [[], [], []]


def test_name_that_is_taken(acme, staff):
    for kind, fields in (("schedule", SCHEDULE), ("trigger", TRIGGER)):
        assert post(staff, f"{PAGES[kind]}add/", fields) == {}
        assert post(staff, f"{PAGES[kind]}add/", fields) == {"name": ["This name is taken."]}


def test_next_runs_are_shown(acme, staff):
    post(staff, f"{PAGES['schedule']}add/", SCHEDULE | {"cron": "0 6 1 1 *"})
    [row] = rows(acme, Schedule)
    assert staff.get(f"{PAGES['schedule']}{row.id}/change/").content.decode().count("-01-01 06:00 CET") == 5
    assert "-01-01 06:00 CET" in staff.get(PAGES["schedule"]).content.decode()


def test_secret_is_shown_once_and_a_delivery_sent_again(acme, staff):
    response = staff.post(f"{PAGES['webhook']}add/", WEBHOOK, follow=True)
    assert response.content.decode().count("whsec_") == 1
    assert "whsec_" not in staff.get(PAGES["webhook"]).content.decode()
    [hook] = rows(acme, Webhook)
    assert "whsec_" not in staff.get(f"{PAGES['webhook']}{hook.id}/change/").content.decode()
    staff.post(PAGES["webhook"], {"action": "ping", "_selected_action": [str(hook.id)]})
    [sent] = rows(acme, Delivery)
    with whole_tenant(acme.organisation):
        Delivery.objects.update(state="failed")
    page = "/admin/events/delivery/"
    assert staff.get(page).status_code == 200
    again = staff.post(page, {"action": "replay", "_selected_action": [str(sent.id)]}, follow=True)
    assert "Queued again." in again.content.decode()
    assert sorted(each.state for each in rows(acme, Delivery)) == ["failed", "pending"]
    rotated = staff.post(
        PAGES["webhook"], {"action": "rotate", "_selected_action": [str(hook.id)]}, follow=True
    )
    assert rotated.content.decode().count("whsec_") == 1
    assert on_record(acme, "webhook.rotate") == 1
