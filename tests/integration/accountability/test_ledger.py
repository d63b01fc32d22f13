"""The log: every record is sequenced once, and later changes are detected."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connections

from accountability.leaf import RECORD_FIELDS
from accountability.ledger import sequencer, store
from accountability.ledger.sequencer import LedgerInconsistent, drain, sequence
from accountability.ledger.verification import check_record, verify_log
from accountability.models import DecisionPayload, DecisionRecord, LedgerCheckpoint, LedgerLeaf, LedgerPending
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from tests.conftest import make_caller
from tests.factories.erasures import record_about, scrub


def put(organisation, number, **fields):
    with tenant_transaction(organisation):
        return record(
            organisation=organisation, by=SYSTEM, operation="test", reasoning=f"because {number}", **fields
        )


def verdict(organisation):
    with tenant_transaction(organisation):
        return list(verify_log(organisation))[-1].verdict


def alter(statement, *values):
    """Change rows as the database's administrator could: triggers and row security off."""
    with connections["owner"].cursor() as cursor:
        tables = ("decisionrecord", "decisionpayload", "ledgerleaf", "ledgernode", "ledgercheckpoint")
        for table in tables:
            cursor.execute(f"ALTER TABLE accountability_{table} DISABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE accountability_{table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(statement, values)
        changed = cursor.rowcount
        for table in tables:
            cursor.execute(f"ALTER TABLE accountability_{table} ENABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE accountability_{table} FORCE ROW LEVEL SECURITY")
    assert changed == 1


@pytest.fixture
def log(committed_db):
    """An organisation's log: its creation, its key and 20 records, sequenced in three steps."""
    organisation = make_caller("Log").organisation
    decisions = []
    for step in (7, 1, 12):
        decisions += [put(organisation, number) for number in range(step)]
        drain(organisation=organisation)
    return organisation, decisions


def test_records_get_contiguous_indexes_once(log):
    organisation, _ = log
    with tenant_transaction(organisation):
        places = list(LedgerLeaf.objects.order_by("index").values_list("index", "decision_id"))
        assert [place for place, _ in places] == list(range(22))
        assert {decision for _, decision in places} == set(
            DecisionRecord.objects.values_list("id", flat=True)
        )
        assert LedgerPending.objects.count() == 0
        assert list(LedgerCheckpoint.objects.order_by("size").values_list("size", flat=True)) == [9, 10, 22]
    assert verdict(organisation).text == "22 records and 3 checkpoints hold"


def test_empty_log_verifies(organisation):
    drain(organisation=organisation)
    assert verdict(organisation).holds


def test_unusual_values_survive_postgres(organisation):
    odd = {
        "big": 2**70,
        "tiny": 1e-7,
        "large": 1e23,
        "third": 1 / 3,
        "text": "žluťoučký \u0000 \U0001f600",
        "none": None,
    }
    put(
        organisation,
        1,
        inputs=odd,
        versions=odd | {"text": "x"},
        confidence=0.1,
        started_at=datetime(1999, 1, 1, tzinfo=UTC),
    )
    drain(organisation=organisation)
    assert verdict(organisation).holds


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("operation", "'other'"),
        ("confidence", "0.5"),
        ("actor_id", "'somebody'"),
        ("on_behalf_of", "'ann'"),
        ("risk_class", "'high'"),
        ("versions", """'{"a": 1}'"""),
        ("parents", "ARRAY[id]"),
        ("started_at", "started_at - interval '1 microsecond'"),
        ("recorded_at", "recorded_at + interval '1 day'"),
        ("payload_commitment", "decode(repeat('00', 32), 'hex')"),
    ],
)
def test_an_altered_record_is_named(log, column, value):
    organisation, decisions = log
    alter(f"UPDATE accountability_decisionrecord SET {column} = {value} WHERE id = %s", decisions[4])
    found = verdict(organisation)
    assert not found.holds
    assert f"record 6 ({decisions[4]})" in found.text
    with tenant_transaction(organisation):
        assert not check_record(organisation, decisions[4]).holds
        assert check_record(organisation, decisions[5]).holds


def test_every_column_of_a_record_is_in_its_leaf():
    columns = {field.attname for field in DecisionRecord._meta.concrete_fields}
    # who may read a record is no part of what was recorded
    assert columns == {*RECORD_FIELDS, "scope_id"}


def test_an_altered_payload_is_named(log):
    organisation, decisions = log
    alter(
        "UPDATE accountability_decisionpayload SET body = replace(body, 'because', 'despite') WHERE decision_id = %s",
        decisions[4],
    )
    assert verdict(organisation).text == f"the payload of record 6 ({decisions[4]}) was altered"


def test_erased_payload_keeps_the_log_valid(log):
    organisation, _ = log
    memory = uuid4()
    decision = record_about(organisation, memory)
    assert scrub(organisation, memory) == 1
    drain(organisation=organisation)
    with tenant_transaction(organisation):
        assert not DecisionPayload.objects.filter(decision_id=decision).exists()
        assert check_record(organisation, decision).holds
    assert verdict(organisation).text == "24 records and 4 checkpoints hold"


def test_a_deleted_record_is_named(log):
    organisation, decisions = log
    alter("DELETE FROM accountability_decisionpayload WHERE decision_id = %s", decisions[4])
    alter("DELETE FROM accountability_decisionrecord WHERE id = %s", decisions[4])
    assert verdict(organisation).text == f"record 6 ({decisions[4]}) is missing"


def test_a_record_and_its_leaf_altered_together_are_found_by_the_signature(log):
    organisation, decisions = log
    with tenant_transaction(organisation):
        foreign = LedgerLeaf.objects.get(index=3).leaf_hash
    alter("UPDATE accountability_ledgerleaf SET leaf_hash = %s WHERE decision_id = %s", foreign, decisions[4])
    assert "was altered" in verdict(organisation).text


def test_a_removed_end_of_the_log_is_found(log):
    organisation, _ = log
    alter("DELETE FROM accountability_ledgerleaf WHERE index = 21")
    assert "a checkpoint was signed for 22" in verdict(organisation).text


def test_a_forged_checkpoint_is_found(log):
    organisation, _ = log
    alter(
        "UPDATE accountability_ledgercheckpoint SET text = replace(text, E'\\n10\\n', E'\\n11\\n') WHERE size = 10"
    )
    assert "the checkpoint at 10 is not valid" in verdict(organisation).text


def test_record_inserted_without_the_queue_is_found(log):
    organisation, _ = log
    late = put(organisation, "late")
    with tenant_transaction(organisation):
        LedgerPending.objects.filter(decision_id=late).delete()
    assert verdict(organisation).text == f"record {late} is neither in the log nor pending"


def test_an_altered_tree_is_not_signed(log):
    organisation, _ = log
    alter("UPDATE accountability_ledgernode SET hash = sha256('x') WHERE level = 4")
    put(organisation, "next")
    with pytest.raises(LedgerInconsistent):
        sequence(organisation=organisation)
    with tenant_transaction(organisation):
        assert store.last_checkpoint(organisation).size == 22
        assert LedgerPending.objects.count() == 1


def test_a_transaction_that_commits_late_is_not_skipped(committed_db):
    organisation = make_caller("Late").organisation
    drain(organisation=organisation)
    with ThreadPoolExecutor(1) as other:

        def overtake():
            try:
                put(organisation, "quick")
                return drain(organisation=organisation)
            finally:
                connections.close_all()

        with tenant_transaction(organisation):
            slow = record(organisation=organisation, by=SYSTEM, operation="test", reasoning="slow")
            assert other.submit(overtake).result() == 1
    assert drain(organisation=organisation) == 1
    with tenant_transaction(organisation):
        assert store.index_of(organisation, slow) == 3
    assert verdict(organisation).holds


def test_one_sequencer_at_a_time(committed_db, monkeypatch):
    organisation = make_caller("Busy").organisation

    def work(turn):
        try:
            for number in range(10):
                put(organisation, f"{turn} {number}")
                drain(organisation=organisation)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    drain(organisation=organisation)
    with tenant_transaction(organisation):
        assert store.last_checkpoint(organisation).size == 62
    assert verdict(organisation).holds


def test_clock_stepping_back_does_not_change_the_order(organisation, monkeypatch):
    first = put(organisation, 1)
    drain(organisation=organisation)
    monkeypatch.setattr("accountability.operations.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    second = put(organisation, 2)
    drain(organisation=organisation)
    with tenant_transaction(organisation):
        assert store.index_of(organisation, first) < store.index_of(organisation, second)
    assert verdict(organisation).holds


def test_confidence_out_of_range_is_refused(organisation):
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="confidence"):
            put(organisation, 1, confidence=wrong)


def test_batches_are_bounded(organisation, monkeypatch):
    for number in range(5):
        put(organisation, number)
    done = sequencer.sequence(organisation=organisation, limit=2)
    assert (done.integrated, done.size) == (2, 2)
    assert sequencer.drain(organisation=organisation) == 4
