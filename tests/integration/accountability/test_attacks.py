"""Attacks on the log: the application's role is refused in plain SQL, and verification detects what others changed."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accountability.erasure import LISTED, cite, erase_payloads
from accountability.leaf import RECORD_FIELDS, hash_of
from accountability.ledger.sequencer import drain
from accountability.ledger.verification import check_record
from accountability.models import DecisionPayload, DecisionRecord, LedgerCheckpoint
from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import SYSTEM
from tests.conftest import make_caller
from tests.factories.erasures import record_about, record_erasure, scrub
from tests.integration.accountability.test_ledger import alter, put, verdict

DENIED = psycopg.errors.InsufficientPrivilege


@contextmanager
def refused(organisation, error=DENIED):
    """Run a block in an organisation's transaction and expect a refusal."""
    with pytest.raises(Exception) as told, tenant_transaction(organisation):
        yield
    found = told.value if isinstance(told.value, psycopg.Error) else told.value.__cause__
    assert isinstance(found, error), told.value


def run(statement, *values):
    """Run a statement; return its first row, if any."""
    with raw_cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def has_payload(organisation, decision):
    """Return whether a decision's payload exists."""
    with tenant_transaction(organisation):
        return DecisionPayload.objects.filter(decision_id=decision).exists()


@pytest.fixture
def victim(committed_db):
    """An organisation, a memory, and a decision about it."""
    organisation, memory = make_caller("Acme").organisation, uuid4()
    decision = record_about(organisation, memory)
    drain(organisation=organisation)
    return organisation, memory, decision


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM accountability_decisionpayload WHERE decision_id = %s",
        "DELETE FROM accountability_decisionrecord WHERE id = %s",
        "UPDATE accountability_decisionpayload SET body = '{}' WHERE decision_id = %s",
        "UPDATE accountability_decisionrecord SET recorded_at = '2001-01-01' WHERE id = %s",
        "GRANT DELETE ON accountability_decisionpayload TO CURRENT_USER; "
        "DELETE FROM accountability_decisionpayload WHERE decision_id = '{decision}'",
        "WITH gone AS (DELETE FROM accountability_decisionpayload WHERE decision_id = %s RETURNING 1) SELECT 1 FROM gone",
        "MERGE INTO accountability_decisionpayload AS p USING (SELECT %s::uuid AS id) AS s ON p.decision_id = s.id "
        "WHEN MATCHED THEN DELETE",
    ],
)
def test_records_and_payloads_cannot_be_changed_or_deleted(victim, statement):
    organisation, _, decision = victim
    with refused(organisation):
        if "{decision}" in statement:
            connection.cursor().execute(statement.format(decision=decision))
        else:
            run(statement, decision)
    assert verdict(organisation).holds


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE accountability_decisionpayload CASCADE",
        "SET LOCAL session_replication_role = 'replica'",
        "ALTER TABLE accountability_decisionpayload DISABLE TRIGGER ALL",
        "ALTER TABLE accountability_decisionrecord DISABLE TRIGGER dated_by_database",
        "DROP TRIGGER dated_by_database ON accountability_decisionrecord",
        "ALTER TABLE accountability_decisionrecord ALTER recorded_at SET DEFAULT '2001-01-01'",
        "SET LOCAL ROLE liftos_owner",
        "INSERT INTO accountability_unlistederasure SELECT organisation_id, id FROM accountability_decisionrecord",
        "INSERT INTO accountability_ledgerrule SELECT organisation_id, 1000000, now() FROM accountability_decisionrecord LIMIT 1",
        "CREATE OR REPLACE FUNCTION liftos_date_decision() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ],
)
def test_guards_cannot_be_disabled(victim, statement):
    organisation, _, _ = victim
    with refused(organisation):
        run(statement)
    assert verdict(organisation).holds


def test_search_path_does_not_mislead_the_eraser(victim):
    organisation, _, decision = victim
    with refused(organisation):
        run(
            "CREATE TEMPORARY TABLE accountability_decisionrecord (LIKE public.accountability_decisionrecord)"
        )
        run("SET LOCAL search_path = pg_temp, public")
        run(
            "INSERT INTO accountability_decisionrecord SELECT * FROM public.accountability_decisionrecord WHERE id = %s",
            decision,
        )
        run("UPDATE accountability_decisionrecord SET operation = 'memory.delete', effect = 'delete'")
        run("SELECT public.liftos_erase_payloads(%s)", decision)
    assert verdict(organisation).holds


def test_erasure_scrubs_the_listed_payloads(victim):
    organisation, memory, decision = victim
    assert scrub(organisation, memory) == 1
    drain(organisation=organisation)
    assert verdict(organisation).holds
    with tenant_transaction(organisation):
        assert not DecisionPayload.objects.filter(decision_id=decision).exists()
        assert check_record(organisation, decision).holds


def test_citing_decisions_are_scrubbed_too(victim):
    organisation, memory, _ = victim
    with tenant_transaction(organisation):
        citing = record(organisation=organisation, by=SYSTEM, operation="agent.choose", reasoning="Ann's pay")
        cite(organisation=organisation, decision=citing, memories=[memory])
    assert scrub(organisation, memory) == 2
    drain(organisation=organisation)
    assert verdict(organisation).holds


def test_nul_in_a_reason_does_not_prevent_an_erasure(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        erasure = record_erasure(organisation, memory, [decision], reasoning="\0 \\u0000 \\\0")
        assert erase_payloads(organisation=organisation, memory=memory, erasure=erasure) == 1
    drain(organisation=organisation)
    assert verdict(organisation).holds


def test_an_erasure_of_an_earlier_transaction_scrubs_nothing(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        erasure = record_erasure(organisation, memory, [decision])
    with refused(organisation):
        run("SELECT liftos_erase_payloads(%s)", erasure)
    assert has_payload(organisation, decision)


def test_an_erasure_of_another_transaction_that_began_later_scrubs_nothing(victim, committed_db):
    organisation, _, decision = victim
    settings = connection.settings_dict
    with refused(organisation):
        run("SELECT pg_current_xact_id()")
        with psycopg.connect(
            host=settings["HOST"], port=settings["PORT"], dbname=committed_db, user=settings["USER"],
            password=settings["PASSWORD"],
        ) as other:  # fmt: skip
            other.execute("SELECT set_config('liftos.organisation', %s, false)", [str(organisation)])
            erasure = new_id()
            columns = ", ".join(
                name for name in RECORD_FIELDS if name not in ("id", "operation", "effect", "recorded_at")
            )
            other.execute(
                f"INSERT INTO accountability_decisionrecord (id, operation, effect, {columns}) "
                f"SELECT %s, 'memory.delete', 'delete', {columns} FROM accountability_decisionrecord WHERE id = %s",
                [erasure, decision],
            )
            other.execute(
                "INSERT INTO accountability_decisionpayload (decision_id, organisation_id, salt, body) SELECT %s, %s, salt, %s "
                "FROM accountability_decisionpayload WHERE decision_id = %s",
                [erasure, organisation, f'{{"outputs":{{"{LISTED}":["{decision}"]}}}}', decision],
            )
        run("SELECT liftos_erase_payloads(%s)", erasure)
    assert has_payload(organisation, decision)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": ("memory", str(uuid4()))},  # the erasure of another memory
        {"subject": ("memory", "")},
        {"subject": ("campaign", "spring")},
        {"operation": "memory.store"},
        {"operation": "agent.delete"},
        {"effect": "write"},
    ],
)
def test_other_records_scrub_nothing(victim, fields):
    organisation, memory, decision = victim
    with refused(organisation):
        erasure = record_erasure(organisation, memory, [decision], **fields)
        run("SELECT liftos_erase_payloads(%s)", erasure)
    assert verdict(organisation).holds


def test_erasure_records_are_never_scrubbed(victim):
    organisation, memory, decision = victim
    scrub(organisation, memory)
    with tenant_transaction(organisation):
        earlier = DecisionRecord.objects.get(operation="memory.delete").id
    with refused(organisation):
        erasure = record_erasure(organisation, memory, [earlier])
        run("SELECT liftos_erase_payloads(%s)", erasure)
    assert decision != earlier


def test_unlisted_payloads_stay(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        erasure = record_erasure(organisation, memory, [])
        assert erase_payloads(organisation=organisation, memory=memory, erasure=erasure) == 0
        assert DecisionPayload.objects.filter(decision_id=decision).exists()


@pytest.mark.parametrize("inner", ["record", "both"])
def test_rolled_back_savepoint_undoes_the_scrubbing(victim, inner):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        run("SAVEPOINT inside")
        erasure = record_erasure(organisation, memory, [decision])
        if inner == "record":
            run("SAVEPOINT deeper")
        assert run("SELECT liftos_erase_payloads(%s)", erasure) == (1,)
        run("ROLLBACK TO inside")
        assert DecisionPayload.objects.filter(decision_id=decision).exists()
    with refused(organisation):
        run("SELECT liftos_erase_payloads(%s)", erasure)


def test_released_savepoint_counts_as_the_transaction(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        run("SAVEPOINT inside")
        erasure = record_erasure(organisation, memory, [decision])
        run("RELEASE inside")
        assert run("SELECT liftos_erase_payloads(%s)", erasure) == (1,)


def test_another_organisations_erasure_and_decisions_are_out_of_reach(victim):
    organisation, memory, decision = victim
    rival = make_caller("Rival").organisation
    with refused(rival):
        erasure = record_erasure(rival, memory, [decision])
        run("SELECT liftos_erase_payloads(%s)", erasure)
    with refused(rival):
        record(organisation=organisation, by=SYSTEM, operation="test", reasoning="not mine")
    # row security lets the row pass, for it is the rival's; the key to the record is over both columns
    with refused(rival, psycopg.errors.ForeignKeyViolation):
        mine = record(organisation=rival, by=SYSTEM, operation="test", reasoning="mine")
        assert mine
        alter_free = new_id()
        run(
            "INSERT INTO accountability_decisionpayload (decision_id, organisation_id, salt, body) VALUES (%s, %s, '', '{}')",
            alter_free, rival,
        )  # fmt: skip
    assert verdict(organisation).holds


def test_writer_cannot_date_a_record(victim):
    organisation, _, decision = victim
    columns = ", ".join(name for name in RECORD_FIELDS if name not in ("id", "recorded_at"))
    copy = (
        f"INSERT INTO accountability_decisionrecord (id, {columns}, recorded_at) "
        f"SELECT %s, {columns}, %s::timestamptz FROM accountability_decisionrecord WHERE id = %s RETURNING recorded_at"
    )
    with refused(organisation):
        run(copy, new_id(), datetime(2001, 1, 1, tzinfo=UTC), decision)
    before = datetime.now(UTC)
    with tenant_transaction(organisation):
        [at] = run(copy, new_id(), None, decision)
    assert before - timedelta(seconds=5) < at < datetime.now(UTC) + timedelta(seconds=5)


def test_records_of_a_long_transaction_are_dated_when_written(victim):
    organisation, _, _ = victim
    with tenant_transaction(organisation):
        run("SELECT pg_sleep(0.3)")
        decision = record(organisation=organisation, by=SYSTEM, operation="test", reasoning="late")
        [began] = run("SELECT now()")
        assert DecisionRecord.objects.get(id=decision).recorded_at - began > timedelta(seconds=0.3)


def test_a_checkpoint_is_dated_by_the_database(victim):
    organisation, _, _ = victim
    with tenant_transaction(organisation):
        run(
            "INSERT INTO accountability_ledgercheckpoint (organisation_id, size, root, text, recorded_at) "
            "VALUES (%s, 99, '', '', '2001-01-01')",
            organisation,
        )
        assert LedgerCheckpoint.objects.get(size=99).recorded_at.year > 2001


# --- what somebody did who has the database in hand ---


def test_payload_missing_without_an_erasure_is_reported(victim):
    organisation, _, decision = victim
    alter("DELETE FROM accountability_decisionpayload WHERE decision_id = %s", decision)
    said = f"the payload of record 2 ({decision}) is missing, and no erasure lists it"
    assert verdict(organisation).text == said
    with tenant_transaction(organisation):
        assert check_record(organisation, decision).text == (
            "NOT VERIFIED: the payload of record 2 is missing, and no erasure lists it"
        )
    with pytest.raises(CommandError, match="logs that failed verification: 1"):
        call_command("verify_ledger", "acme")


def test_listed_payload_that_still_exists_is_reported(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        erasure = record_erasure(organisation, memory, [decision])
    drain(organisation=organisation)
    assert (
        verdict(organisation).text
        == f"erasure {erasure} lists decision {decision}, whose payload is still there"
    )


def test_callers_records_authorise_no_scrubbing(victim):
    organisation, memory, decision = victim
    with tenant_transaction(organisation):
        record_erasure(organisation, memory, [decision], operation="agent.delete")
    drain(organisation=organisation)
    assert verdict(organisation).holds


def as_recorded(organisation, decision, at):
    """Backdate a waiting record and its leaf, like an attacker who can do anything but sign."""
    alter("UPDATE accountability_decisionrecord SET recorded_at = %s WHERE id = %s", at, decision)
    with tenant_transaction(organisation):
        row = DecisionRecord.objects.values(*RECORD_FIELDS).get(id=decision)
        run("DELETE FROM accountability_ledgerpending WHERE decision_id = %s", decision)
        run(
            "INSERT INTO accountability_ledgerpending (decision_id, organisation_id, leaf_hash) VALUES (%s, %s, %s)",
            decision, organisation, hash_of(row),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (timedelta(days=-9000), "before a record that comes earlier in the log"),
        (timedelta(hours=-1, seconds=-5), "before a record that comes earlier in the log"),
        (timedelta(hours=1, seconds=30), "after the checkpoint at 4 that signed it"),
    ],
)
def test_record_dated_out_of_order_is_reported(victim, shift, said):
    organisation, _, _ = victim
    decision = put(organisation, 1)
    as_recorded(organisation, decision, datetime.now(UTC) + shift)
    drain(organisation=organisation)
    told = verdict(organisation)
    assert not told.holds
    assert told.text.startswith(f"record 3 ({decision}) is dated ")
    assert told.text.endswith(said)


def test_long_transaction_is_not_reported_as_out_of_order(victim):
    organisation, _, _ = victim
    decision = put(organisation, 1)
    as_recorded(organisation, decision, datetime.now(UTC) - timedelta(minutes=55))
    drain(organisation=organisation)
    assert verdict(organisation).holds


def test_checkpoints_dated_out_of_order_are_reported(victim):
    organisation, _, _ = victim
    put(organisation, 1)
    drain(organisation=organisation)
    alter(
        "UPDATE accountability_ledgercheckpoint SET recorded_at = recorded_at - interval '2 hours' WHERE size = 4"
    )
    assert verdict(organisation).text.startswith("the checkpoint at 4 is dated ")


def test_ids_of_the_erasure_are_in_the_signed_record(acme):
    memory = acme.store("Ann earns 5,000 a month")
    [stored] = acme.get(f"/api/v1/decisions?subject_id={memory}").json()["results"]
    receipt = acme.delete(f"/api/v1/memories/{memory}").json()
    told = acme.get(f"/api/v1/decisions/{receipt['decision_id']}").json()
    assert told["outputs"][LISTED] == [stored["id"]]
    assert told["outputs"]["removed"]["decision_payloads"] == 1
    assert acme.get(f"/api/v1/decisions/{stored['id']}").json()["reasoning"] == ""
    drain(organisation=acme.organisation)
    assert verdict(acme.organisation).holds
