"""GET /api/v1/calibration and confidence_calibrated: what verdicts make of confidences."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accountability.calibration.operations import calibrate, has_new_verdicts
from accountability.calibration.recalibration import Recalibration
from accountability.models import DecisionRecord, ReviewCase
from accountability.models.calibration import Calibration
from accountability.operations import record
from accountability.reviews.operations import review
from accountability.tasks import calibrate_all
from accountability.types import Verdict
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

AGENT, ANN = Actor(ActorKind.API_KEY, "agent"), Actor(ActorKind.STAFF, "ann")
REVIEWED = {"operation": "agent.choose", "confidence_method": "guess", "versions": {"model": "m1"}}


def decide(caller, confidence, **fields):
    with tenant_transaction(caller.organisation):
        return record(
            organisation=caller.organisation, by=AGENT, reasoning="r", confidence=confidence, **(REVIEWED | fields)
        )  # fmt: skip


def judge(caller, decision, good):
    verdict = Verdict.APPROVE if good else Verdict.OVERTURN
    review(organisation=caller.organisation, by=ANN, decision=decision, verdict=verdict, reason="seen")


@pytest.fixture
def judged(acme, settings):
    """Sixty decisions that all say .9, two thirds of them right."""
    settings.LIFTOS_CALIBRATION_REVIEWS = 50
    for number in range(60):
        judge(acme, decide(acme, 0.9), number % 3)
    return acme


def learn(caller):
    return calibrate(organisation=caller.organisation, by=SYSTEM, now=timezone.now())


def test_calibrated_confidence_is_returned_beside_the_stated_one(judged):
    asked = decide(judged, 0.9)
    path = f"/api/v1/decisions/{asked}"
    assert judged.get(path).json()["confidence_calibrated"] is None
    [row] = learn(judged)
    assert (row.reviews, row.right) == (60, 40)
    found = judged.get(path).json()
    assert found["confidence"] == 0.9
    assert found["confidence_calibrated"] == pytest.approx(2 / 3, abs=0.03)
    [listed] = judged.get("/api/v1/decisions?limit=1&operation=agent.choose").json()["results"]
    assert listed == found
    [step] = judged.get(f"{path}/chain").json()["results"]
    assert step["decision"] == found


def test_another_model_method_or_point_is_another_matter(judged):
    learn(judged)
    for fields in (
        {"versions": {"model": "m2"}},
        {"confidence_method": "other"},
        {"decision_point": "elsewhere"},
    ):
        asked = decide(judged, 0.9, **fields)
        assert judged.get(f"/api/v1/decisions/{asked}").json()["confidence_calibrated"] is None


def test_the_report(judged):
    learn(judged)
    [found] = judged.get("/api/v1/calibration").json()["results"]
    assert found["decision_point"] == "agent.choose"
    assert found["versions"] == {"model": "m1"}
    assert found["raw"]["calibration_error"]["value"] == pytest.approx(0.9 - 2 / 3)
    assert found["raw"]["calibration_error"]["low"] < 0.9 - 2 / 3 < found["raw"]["calibration_error"]["high"]
    assert found["after"]["brier"]["value"] < found["raw"]["brier"]["value"]
    assert found["because"] == {"hand": 60}
    [each] = found["bins"]
    assert (each["count"], each["right"]) == (60, pytest.approx(2 / 3))
    told = judged.get(f"/api/v1/decisions/{found['decision_id']}").json()
    assert told["operation"] == "calibration.fit"
    assert told["outputs"]["groups"][0]["reviews"] == 60


def test_it_is_of_the_own_organisation_and_needs_the_scope(judged, rival):
    learn(judged)
    assert rival.get("/api/v1/calibration").json() == {"results": [], "next": None}


@pytest.mark.parametrize("reviews", [61, 1_000])
def test_too_few_verdicts_are_measured_and_not_learnt_from(judged, settings, reviews):
    settings.LIFTOS_CALIBRATION_REVIEWS = reviews
    [row] = learn(judged)
    assert (row.method, row.figures["enough"], "after" in row.figures) == ("none", False, False)
    assert row.figures["raw"]["brier"]["value"] > 0


def test_approvals_alone_give_no_calibration(acme, settings):
    settings.LIFTOS_CALIBRATION_REVIEWS = 10
    for _ in range(20):
        judge(acme, decide(acme, 0.5), good=True)
    [row] = learn(acme)
    assert row.method == "none"


def test_unsettled_decisions_and_those_without_confidence_do_not_count(judged):
    decide(judged, 0.9)
    judge(judged, decide(judged, None), good=True)
    review(
        organisation=judged.organisation,
        by=ANN,
        decision=decide(judged, 0.1),
        verdict=Verdict.INFORMATION,
        reason="?",
    )
    [row] = learn(judged)
    assert row.reviews == 60


def test_calibrating_again_replaces_the_calibration(judged):
    learn(judged)
    for _ in range(30):
        judge(judged, decide(judged, 0.9), good=True)
    [row] = learn(judged)
    assert row.reviews == 90
    with tenant_transaction(judged.organisation):
        assert Calibration.objects.count() == 1
        assert DecisionRecord.objects.filter(operation="calibration.fit").count() == 2


def test_the_worker_learns_where_there_is_something_new(judged, rival):
    assert has_new_verdicts(organisation=judged.organisation)
    calibrate_all()
    assert not has_new_verdicts(organisation=judged.organisation)
    assert len(judged.get("/api/v1/calibration").json()["results"]) == 1
    calibrate_all()
    with tenant_transaction(judged.organisation):
        assert DecisionRecord.objects.filter(operation="calibration.fit").count() == 1
    judge(judged, decide(judged, 0.9), good=True)
    assert has_new_verdicts(organisation=judged.organisation)


def test_the_command_prints_both(judged, capsys):
    call_command("calibrate", judged.slug)
    out = capsys.readouterr().out
    assert "agent.choose by guess: 60 reviewed, 40 right" in out
    assert "as stated     ECE 0.233" in out
    assert "recalibrated" in out
    call_command("calibrate", judged.slug, "--json")
    assert '"reviews": 60' in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("calibrate", "nobody")


def row_worth(row):
    return Recalibration(row.method, row.parameters).of(0.9)


def test_the_admin_shows_the_diagram_and_learns_when_the_owner_asks(judged):
    def member(name, role):
        user = User.objects.create_user(name, is_staff=True)
        Membership.objects.create(user=user, organisation_id=judged.organisation, role=role)
        client = Client()
        client.force_login(user)
        client.get("/admin/")
        return client

    auditor, owner = member("al", "auditor"), member("olga", "owner")
    again = "/admin/accountability/calibration/again/"
    assert auditor.post(again).status_code == 403
    assert owner.get(again).status_code == 405
    assert owner.post(again).status_code == 302
    page = auditor.get("/admin/accountability/calibration/").content.decode()
    assert "agent.choose" in page
    assert "Calibrate now" not in page
    assert "Calibrate now" in owner.get("/admin/accountability/calibration/").content.decode()
    with tenant_transaction(judged.organisation):
        [row] = Calibration.objects.all()
        told = DecisionRecord.objects.get(id=row.decision_id)
    assert (told.actor_kind, told.actor_id) == ("staff", "olga")
    page = auditor.get(f"/admin/accountability/calibration/{row.id}/change/").content.decode()
    assert 'aria-label="Reliability diagram of 1 bins"' in page
    with tenant_transaction(judged.organisation):
        one = ReviewCase.objects.first().decision_id
    page = auditor.get(f"/admin/accountability/decisionrecord/{one}/change/").content.decode()
    assert f"{row_worth(row):.3f}" in page
    assert "Calibrated confidence" in page
