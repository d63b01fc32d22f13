"""Schedules: a time starts one run, on record, by the database's clock, with its owner's authority."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYTHING, viewing
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.types import Scope
from tests.conftest import make_caller
from tests.factories.flows import registered_functions, step
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of
from tests.security.world import publish_template
from workflows.engine.waiting import wait_for
from workflows.models import Run, Schedule, Tick
from workflows.schedules.ticking import list_organisations_with_due, run_due
from workflows.tasks import prune_runs, run_schedules

PATH = "/api/v1/schedules"
ECHO = {"type": "object", "properties": {"day": {"type": "string"}}}


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


def with_template(caller):
    publish_template(caller, "echo", [step("a", arguments={"value": "{day}"})], parameters=ECHO)
    return caller


@pytest.fixture
def acme(acme):
    return with_template(acme)


def create(caller, status=201, **fields):
    body = {"name": "s", "cron": "*/10 * * * *", "template": "echo"} | fields
    response = caller.post(PATH, body)
    assert response.status_code == status, response.content
    return response.json()


def go_back(caller, schedule, **since):
    """Make a schedule's next tick the first one after a time ago, as if nothing had run since; return the time."""
    with viewing(EVERYTHING), tenant_transaction(caller.organisation):
        at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(**since)
        at -= timedelta(minutes=at.minute % 10)
        Schedule.objects.filter(id=schedule["id"]).update(next_at=at)
    return at


def run(caller):
    with viewing(EVERYTHING):
        return run_due(organisation=caller.organisation)


def ticks(caller, schedule):
    return caller.get(f"{PATH}/{schedule['id']}/ticks").json()["results"][::-1]


def states(caller, schedule):
    return [each["state"] for each in ticks(caller, schedule)]


def runs(caller):
    with viewing(EVERYTHING), tenant_transaction(caller.organisation):
        return list(Run.objects.exclude(status="pending").order_by("id"))


def finish(caller):
    with viewing(EVERYTHING):
        for each in runs(caller):
            wait_for(organisation=caller.organisation, run=each.id, seconds=10)


def test_next_five_times_in_the_zone(acme):
    made = create(acme, cron="30 9 * * MON-FRI", timezone="Asia/Kolkata")
    times = [datetime.fromisoformat(each) for each in made["next"]]
    assert len(times) == 5
    assert times == sorted(times)
    assert {(each.hour, each.minute, each.utcoffset()) for each in times} == {
        (9, 30, timedelta(hours=5, minutes=30))
    }
    assert all(each.weekday() < 5 for each in times)
    assert acme.get(f"{PATH}/{made['id']}").json() == made
    assert acme.get(PATH).json()["results"] == [made]


def test_tick_starts_one_run_on_record(acme):
    schedule = create(acme, timezone="Europe/Berlin", parameters={"day": "{tick.date} {tick.at}"})
    at = go_back(acme, schedule, minutes=0)
    assert run(acme) == 1
    assert run(acme) == 0
    [tick] = ticks(acme, schedule)
    assert datetime.fromisoformat(tick["due_at"]) == at
    assert (tick["state"], tick["missed"]) == ("started", 0)
    [started] = runs(acme)
    assert str(started.id) == tick["run_id"]
    assert started.parameters["day"].endswith(at.isoformat())
    decision = acme.get(f"/api/v1/decisions/{tick['decision_id']}").json()
    assert (decision["operation"], decision["outputs"]["run_id"]) == ("schedule.tick", tick["run_id"])
    finish(acme)
    events = [each.type for each in outbox(acme)]
    assert "liftos.workflow.run.finished" in events


def outbox(caller):
    with viewing(EVERYTHING), tenant_transaction(caller.organisation):
        return list(OutboxEvent.objects.order_by("id"))


def test_clock_of_the_process_does_not_count(acme, monkeypatch):
    schedule = create(acme)
    wrong = datetime.now(UTC) + timedelta(minutes=90)
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    assert run(acme) == 0
    go_back(acme, schedule, minutes=0)
    assert run(acme) == 1


def test_person_overturns_a_tick(acme):
    schedule = create(acme)
    go_back(acme, schedule, minutes=0)
    run(acme)
    [tick] = ticks(acme, schedule)
    other = with_key(acme, *Scope)[0]
    done = other.post(
        f"/api/v1/decisions/{tick['decision_id']}/reviews", {"verdict": "overturn", "reason": "a holiday"}
    )
    assert done.status_code < 300, done.content
    assert [each.status for each in runs(acme)] == ["cancelled"]
    assert states(acme, schedule) == ["overturned"]


@pytest.mark.parametrize(
    ("catch_up", "expected", "missed"),
    [
        ("none", ["skipped"], 7),
        ("latest", ["skipped", "started"], 6),
        # the limit below leaves out the first two; the latest runs beside those that run in turn
        ("all", ["skipped", "started", "pending", "pending", "pending", "started"], 2),
    ],
)
@override_settings(LIFTOS_SCHEDULE_CATCH_UP_LIMIT=5, LIFTOS_SCHEDULE_GRACE_SECONDS=0)
def test_ticks_of_a_downtime(acme, catch_up, expected, missed):
    schedule = create(acme, catch_up=catch_up)
    go_back(acme, schedule, minutes=60)
    run(acme)
    assert states(acme, schedule) == expected
    assert ticks(acme, schedule)[0]["missed"] == missed
    finish(acme)
    while run(acme):
        finish(acme)
    assert "pending" not in states(acme, schedule)
    assert len(runs(acme)) == expected.count("started") + expected.count("pending")


@pytest.mark.parametrize(
    ("overlap", "first", "second"),
    [("skip", "running", "skipped"), ("queue", "running", "pending"), ("cancel", "cancelled", "started")],
)
def test_overlap(acme, overlap, first, second):
    schedule = create(acme, overlap=overlap)
    go_back(acme, schedule, minutes=0)
    run(acme)
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        Tick.objects.update(due_at=F("due_at") - timedelta(hours=1))
    go_back(acme, schedule, minutes=0)
    run(acme)
    assert states(acme, schedule)[-1] == second
    assert runs(acme)[0].status == first
    finish(acme)
    run(acme)
    assert states(acme, schedule)[-1] == ("skipped" if overlap == "skip" else "started")


def test_backfill_runs_what_is_not_on_record_one_after_another(acme):
    schedule = create(acme, cron="0 6 * * *", parameters={"day": "{tick.date}"})
    path = f"{PATH}/{schedule['id']}/backfill"
    asked = {"since": "2026-03-28T06:00:00Z", "until": "2026-03-30T06:00:00Z"}
    assert acme.post(path, asked).json() == {"queued": 3, "already": 0}
    assert acme.post(path, asked | {"until": "2026-03-31"}).json() == {"queued": 1, "already": 3}
    for number in range(1, 5):
        assert run(acme) == 1
        assert len(runs(acme)) == number
        finish(acme)
    assert [each.parameters["day"] for each in runs(acme)] == [f"2026-03-{day}" for day in (28, 29, 30, 31)]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": "2026-03-02", "until": "2026-03-01"}, "until"),
        ({"since": "2026-03-02", "until": "2999-01-01"}, "until"),
        ({"since": "1960-01-01", "until": "2026-01-01"}, "since"),
        ({"since": "2000-01-01", "until": "2026-01-01"}, "since"),
        ({"since": "2026-01-01"}, "until"),
        ({"since": "soon", "until": "2026-01-01"}, "since"),
    ],
)
def test_backfill_of_a_bad_range(acme, asked, field):
    path = f"{PATH}/{create(acme)['id']}/backfill"
    response = acme.post(path, asked)
    assert response.status_code == 422
    assert named(response.json()) == [field]
    assert acme.get(path.replace("backfill", "ticks")).json()["results"] == []


def named(body):
    return [".".join(map(str, each["loc"][1:])) for each in body["errors"]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"overlap": "pile"}, "overlap"),
        ({"catch_up": "some"}, "catch_up"),
        ({"jitter_seconds": -1}, "jitter_seconds"),
        ({"jitter_seconds": 86_401}, "jitter_seconds"),
        ({"parameters": {"day": 5}}, "parameters.day"),
        ({"parameters": {"dey": "x"}}, "parameters.dey"),
        ({"parameters": {"day": "{now}"}}, "parameters.day"),
        ({"parameters": {"day": "{tick.year}"}}, "parameters"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_invalid_field_is_named(acme, fields, field):
    body = create(acme, status=422, **fields)
    assert field in named(body), body
    assert acme.get(PATH).json()["results"] == []


def test_misspelled_zone_is_suggested(acme):
    assert "did you mean 'Europe/Berlin'?" in str(create(acme, status=422, timezone="Europe/Berlinn"))


def test_template_must_be_published(acme):
    acme.post("/api/v1/workflows/templates", {"name": "draft", "steps": [step("a")]})
    assert create(acme, status=404, template="nowhere")["code"] == "workflows.template_not_found"
    assert create(acme, status=409, template="draft")["code"] == "workflows.not_published"
    create(acme)
    assert create(acme, status=409)["code"] == "workflows.schedule_exists"


@override_settings(LIFTOS_SCHEDULE_MIN_SECONDS=600)
def test_least_interval(acme):
    body = create(acme, status=422, cron="*/5 * * * *")
    assert named(body) == ["cron"]
    assert "300 s apart; at least 600 s" in str(body)
    create(acme, cron="*/10 * * * *")


def test_change_pause_and_delete(acme):
    schedule = create(acme)
    path = f"{PATH}/{schedule['id']}"
    changed = acme.patch(path, {"cron": "0 6 1 1 *"})
    assert changed.json()["next"][0].endswith("-01-01T06:00:00Z")
    assert acme.patch(path, {"cron": "a"}).status_code == 422
    assert acme.patch(path, {}).status_code == 422
    assert acme.post(f"{path}/pause", {}).json()["next"] == []
    go_back(acme, schedule, minutes=0)
    assert run(acme) == 0
    assert len(acme.post(f"{path}/resume", {}).json()["next"]) == 5
    assert run(acme) == 0
    assert acme.delete(path).status_code == 204
    assert acme.get(path).status_code == 404


def test_jitter_delays_and_is_the_same_everywhere(acme):
    schedule = create(acme, jitter_seconds=86_400)
    at = go_back(acme, schedule, minutes=0)
    assert run(acme) == 0
    [tick] = ticks(acme, schedule)
    delay = datetime.fromisoformat(tick["run_at"]) - at
    assert timedelta(0) < delay < timedelta(days=1)
    with viewing(EVERYTHING), tenant_transaction(acme.organisation):
        Tick.objects.update(run_at=at)
    assert run(acme) == 1


def test_owner_without_rights_starts_nothing(acme):
    owner, key = with_key(acme, Scope.WORKFLOWS_WRITE, Scope.WORKFLOWS_RUN)
    schedule = create(owner)
    assert create(with_key(acme, Scope.WORKFLOWS_WRITE)[0], status=403, name="other")
    go_back(acme, schedule, minutes=0)
    assert acme.delete(f"/api/v1/keys/{key.id}").status_code == 200
    run(acme)
    [tick] = ticks(acme, schedule)
    assert (tick["state"], tick["reason"]) == ("failed", "the schedule's owner may no longer start runs")
    assert acme.get(f"/api/v1/decisions/{tick['decision_id']}").json()["outputs"]["state"] == "failed"


def test_run_is_seen_as_its_owner_sees(acme):
    bob = key_of(acme, principal_of(acme, "bob", group_of(acme, "legal")))
    alice = key_of(acme, principal_of(acme, "alice", group_of(acme, "sales")))
    schedule = create(bob)
    go_back(acme, schedule, minutes=0)
    run(acme)
    [tick] = ticks(bob, schedule)
    assert bob.get(f"/api/v1/workflows/runs/{tick['run_id']}").status_code == 200
    assert alice.get(f"/api/v1/workflows/runs/{tick['run_id']}").status_code == 404


def test_another_organisation_sees_none(acme, rival):
    path = f"{PATH}/{create(acme)['id']}"
    assert [rival.get(path).status_code, rival.delete(path).status_code] == [404, 404]
    assert rival.post(f"{path}/backfill", {"since": "2026-01-01", "until": "2026-01-02"}).status_code == 404


def test_old_ticks_are_pruned(acme):
    schedule = create(acme)
    go_back(acme, schedule, minutes=0)
    run(acme)
    finish(acme)
    with viewing(EVERYTHING), override_settings(LIFTOS_WORKFLOW_RETENTION_DAYS=-1):
        prune_runs()
    assert ticks(acme, schedule) == []


def test_many_workers_start_each_tick_once(committed_db):
    acme = with_template(make_caller("acme"))
    made = [create(acme, name=f"s{number}", catch_up="latest") for number in range(4)]
    for each in made:
        go_back(acme, each, minutes=0)
    with viewing(EVERYTHING):
        assert list_organisations_with_due() == [acme.organisation]
    ready, failed = Barrier(4), []

    def work():
        try:
            ready.wait()
            with viewing(EVERYTHING):
                run_schedules()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    run_schedules()
    assert [states(acme, each) for each in made] == [["started"]] * 4
    assert len(runs(acme)) == 4
