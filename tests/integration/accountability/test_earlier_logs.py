"""Logs from before the database dated records and erasures listed what they scrub."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from accountability.leaf import RECORD_FIELDS, commitment, hash_of, payload_text
from accountability.ledger import sequencer
from accountability.ledger.sequencer import drain
from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from tests.factories.erasures import record_about, scrub
from tests.integration.accountability.test_ledger import alter, verdict

pytestmark = pytest.mark.slow

_RECORD = f"""
INSERT INTO accountability_decisionrecord ({", ".join(RECORD_FIELDS)})
VALUES ({", ".join(f"%({name})s" + ("::jsonb" if name == "versions" else "") for name in RECORD_FIELDS)})
"""
_PAYLOAD = "INSERT INTO accountability_decisionpayload (decision_id, organisation_id, salt, body) VALUES (%s, %s, %s, %s)"
_PENDING = (
    "INSERT INTO accountability_ledgerpending (decision_id, organisation_id, leaf_hash) VALUES (%s, %s, %s)"
)


def record_as_before(organisation, at):
    """Write a record as the old code did, with its own date and leaf hash."""
    decision, salt = new_id(), bytes(32)
    payload = {"reasoning": "r", "inputs": {}, "outputs": {}, "alternatives": [], "memories": []}
    body = payload_text(payload)
    row = dict.fromkeys(RECORD_FIELDS, "") | {
        "id": decision, "organisation_id": organisation, "operation": "memory.store", "confidence": None, "parents": [],
        "versions": {}, "started_at": at, "ended_at": at, "recorded_at": at, "payload_commitment": commitment(salt, body),
    }  # fmt: skip
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute(_RECORD, row | {"versions": "{}"})
        cursor.execute(_PAYLOAD, (decision, organisation, salt, body))
        cursor.execute(_PENDING, (decision, organisation, hash_of(row)))
    return decision


@pytest.fixture
def earlier(committed_db, monkeypatch):
    """A migrated log of the old code: five records, the second dated 2001, the third erased, the last not sequenced."""
    call_command("migrate", "accountability", "0007", verbosity=0)
    organisation = Organisation.objects.create(name="Old", slug="old").id
    now = datetime.now(UTC)
    made = [record_as_before(organisation, at) for at in (now, datetime(2001, 1, 1, tzinfo=UTC), now, now)]
    with monkeypatch.context() as before:
        # review cases of that time have no scope yet, which today's statement writes
        before.setattr(sequencer, "enter_queue", lambda **_: 0)
        assert drain(organisation=organisation) == 4
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute("DELETE FROM accountability_decisionpayload WHERE decision_id = %s", [made[2]])
        assert cursor.rowcount == 1
    made.append(record_as_before(organisation, now - timedelta(hours=3)))
    call_command("migrate", verbosity=0)
    return organisation, made


def test_older_log_verifies_and_counts_unlisted_erasures(earlier):
    organisation, _ = earlier
    drain(organisation=organisation)
    told = verdict(organisation)
    assert told.holds, told.text
    assert told.text == "5 records and 2 checkpoints hold; 1 payloads were erased before erasures listed them"


def test_payload_missing_from_an_older_log_is_reported(earlier):
    organisation, made = earlier
    drain(organisation=organisation)
    alter("DELETE FROM accountability_decisionpayload WHERE decision_id = %s", made[3])
    assert (
        verdict(organisation).text
        == f"the payload of record 3 ({made[3]}) is missing, and no erasure lists it"
    )


def test_older_log_continues_under_the_new_rules(earlier):
    organisation, _ = earlier
    decision = record_about(organisation)
    with tenant_transaction(organisation):
        memory = DecisionRecord.objects.get(id=decision).subject_id
    assert scrub(organisation, memory) == 1
    drain(organisation=organisation)
    assert verdict(organisation).holds
