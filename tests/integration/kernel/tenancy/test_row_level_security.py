"""Postgres isolates organisations, even from raw SQL as the application role."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.db import connection, connections
from django.utils import timezone
from psycopg import sql

from accountability.calibration.operations import calibrate
from accountability.ledger.publishing import deliver
from accountability.ledger.sequencer import drain
from accountability.operations import record
from accountability.outcomes.operations import record_outcome
from accountability.reviews.operations import review
from accountability.reviews.policy import set_policy
from accountability.types import Policy, Verdict
from liftos.kernel.db.transactions import current_organisation, tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.outbox.models import Delivery, Webhook
from liftos.kernel.outbox.relay import relay
from liftos.kernel.telemetry.manager import ObservabilityManager
from liftos.kernel.telemetry.metrics.minutes import MinuteWriter
from liftos.kernel.telemetry.metrics.rollup import roll_up
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.tenancy.models import ApiKey, BreakGlass, TokenIdentity
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.principals import add_member, create_group, create_principal
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind, PrincipalKind
from memory.care.runs import care
from memory.erasure.erasure_policy import set_policy as set_erasure_policy
from memory.index.postings.packing import pack_rows
from memory.models import Memory
from memory.models.deletions import DeletionJob
from memory.models.retention import LegalHold, RetentionRule
from memory.operations import remember
from memory.policies import DERIVED_POLICY, REJECTION_POLICY, SECRETS_POLICY
from memory.policy_types import Wanted
from memory.quotas.operations import set_quota
from memory.quotas.types import ORGANISATION, Quota
from memory.types import LinkDraft, LinkKind, MemoryDraft
from tests.conftest import make_caller
from tests.factories.spaces import make_space_rows
from tests.factories.workflows import make_rows
from workflows.models import Firing, Schedule, Tick, Trigger

REVIEWER = Actor(ActorKind.STAFF, "reviewer")
TENANT_TABLES = sorted(
    {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.name == "organisation" for field in model._meta.fields)
        and model._meta.label != "tenancy.Membership"
    }
)

SET_ORGANISATION = "SELECT set_config('liftos.organisation', %s, true)"


@pytest.fixture
def two(committed_db):
    """Two organisations, each with a row in every tenant table."""
    callers = [make_caller("First"), make_caller("Second")]
    for caller in callers:
        set_policy(organisation=caller.organisation, by=SYSTEM, policy=Policy(sample_share=1.0))
        set_erasure_policy(organisation=caller.organisation, by=SYSTEM, policy=Wanted())
        quota = Quota(memories=1_000)
        set_quota(organisation=caller.organisation, by=SYSTEM, whose=ORGANISATION, quota=quota)
        for each in (DERIVED_POLICY, REJECTION_POLICY, SECRETS_POLICY):
            each.set(organisation=caller.organisation, by=SYSTEM, policy=each.default)
        for name in ("a", "b"):
            remember(
                organisation=caller.organisation,
                by=SYSTEM,
                draft=MemoryDraft(
                    f"text {name}",
                    {"k": 1, "campaign": name},
                    external_id=name,
                    links=(LinkDraft(LinkKind.ABOUT, "a"),),
                    thread=name,
                ),
            )
        # has several passages
        long = MemoryDraft(" ".join(f"Sentence {number} of {name} is about boots." for number in range(200)))
        remember(organisation=caller.organisation, by=SYSTEM, draft=long)
        sent = {"data_source": "manual", "date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}
        assert caller.post("/marketing/ingest", sent | {"data_entries": [{"spend": 1}]}).status_code == 200
        study = {"name": "lift", "method": "holdout", "date_from": "2024-01-01", "date_to": "2024-01-31"}
        estimates = [{"channel": "tv", "estimate": 1.5, "low": 1, "high": 2}]
        made = caller.post("/api/v1/marketing/models", study | {"estimates": estimates})
        assert made.status_code == 201, made.content
        live(caller)
        with tenant_transaction(caller.organisation):
            TraceRecord.objects.create(
                organisation_id=caller.organisation, started_at=timezone.now(), duration_ms=1, spans=[]
            )
        observability = ObservabilityManager()
        observability.record("memory.search", 1, organisation=str(caller.organisation))
        MinuteWriter(observability).flush()
        kept = {"minutes_kept": timedelta(hours=4), "hours_kept": timedelta(days=1)}
        roll_up(organisation=caller.organisation, now=timezone.now(), **kept)
        with tenant_transaction(caller.organisation):
            first = record(organisation=caller.organisation, by=SYSTEM, operation="test", reasoning="first")
            record(
                organisation=caller.organisation,
                by=SYSTEM,
                operation="test",
                reasoning="next",
                confidence=0.5,
                parents=[first],
            )
            judged = record(
                organisation=caller.organisation,
                by=SYSTEM,
                operation="test",
                reasoning="judged",
                confidence=0.5,
            )
        review(organisation=caller.organisation, by=REVIEWER, decision=judged, verdict=Verdict.APPROVE)
        record_outcome(
            organisation=caller.organisation, by=SYSTEM, decision=judged, value=True, at=timezone.now()
        )
        for name in ("Ann Smith", "Bob Jones"):
            caller.store(f"The CEO of Acme is {name}.")
        care(organisation=caller.organisation, by=SYSTEM, now=timezone.now())
        calibrate(organisation=caller.organisation, by=SYSTEM, now=timezone.now())
        drain(organisation=caller.organisation)
        deliver(organisation=caller.organisation, destination="url", send=lambda text: None)
        with tenant_transaction(caller.organisation):
            record(organisation=caller.organisation, by=SYSTEM, operation="test", reasoning="waits")
        alice = create_principal(
            organisation=caller.organisation, by=SYSTEM, name="alice", kind=PrincipalKind.PERSON
        )
        team = create_group(organisation=caller.organisation, by=SYSTEM, name="team")
        add_member(organisation=caller.organisation, by=SYSTEM, group=team, principal=alice)
        with tenant_transaction(caller.organisation):
            TokenIdentity.objects.create(
                organisation_id=caller.organisation,
                principal=alice,
                issuer="https://sign.in",
                subject="alice",
                seen_at=timezone.now(),
            )
            BreakGlass.objects.create(
                organisation_id=caller.organisation, actor_kind="staff", actor_id="ann", principal=alice, reason="because",
                opened_at=timezone.now(), until=timezone.now() + timedelta(hours=1),
            )  # fmt: skip
            RetentionRule.objects.create(
                organisation_id=caller.organisation,
                name="logs",
                source="logs",
                ttl_seconds=1e8,
                action="expire",
            )
            LegalHold.objects.create(organisation_id=caller.organisation, name="court", source="court")
            DeletionJob.objects.create(
                organisation_id=caller.organisation,
                actor_kind="system",
                actor_id="a",
                memories=[uuid4()],
                count=1,
            )
            trigger = Trigger.objects.create(
                organisation_id=caller.organisation, name="a", event="a", template="a", scopes=[]
            )
            Firing.objects.create(
                organisation_id=caller.organisation,
                trigger=trigger,
                event_id=uuid4(),
                type="a",
                subject="b",
                correlation_id="c",
            )
            schedule = Schedule.objects.create(
                organisation_id=caller.organisation, name="a", cron="0 0 * * *", template="a", scopes=[]
            )
            Tick.objects.create(
                organisation_id=caller.organisation,
                schedule=schedule,
                due_at=timezone.now(),
                run_at=timezone.now(),
            )
            hook = Webhook.objects.create(
                organisation_id=caller.organisation,
                url="https://a.example",
                events=["*"],
                scopes=[],
                salt="0",
            )
            Delivery.objects.create(
                organisation_id=caller.organisation,
                webhook=hook,
                event_id=uuid4(),
                sequence=1,
                type="a",
                subject="b",
            )
        with seeing_everything():
            relay(organisation=caller.organisation)
        with whole_tenant(caller.organisation):
            # of one memory, so that others' words stay in rows
            assert pack_rows(caller.organisation, 1)
        make_rows(caller.organisation)
        make_space_rows(caller.organisation)
    leave_from_before([caller.organisation for caller in callers])
    return callers


def leave_from_before(organisations):
    """Write the rows that only migrations write, about earlier logs."""
    with connections["owner"].cursor() as cursor:
        for organisation in organisations:
            cursor.execute(SET_ORGANISATION.replace("true", "false"), [str(organisation)])
            cursor.execute(
                "INSERT INTO accountability_ledgerrule (organisation_id, size) VALUES (%s, 0)", [organisation]
            )
            cursor.execute(
                "INSERT INTO accountability_unlistederasure (organisation_id, decision_id) VALUES (%s, gen_random_uuid())",
                [organisation],
            )
        cursor.execute("RESET liftos.organisation")


def live(caller):
    """Create rows around a memory: versions, a tombstone, a receipt, a key, a context, a bulk store."""
    key = {"idempotency-key": "k"}
    memory = caller.post("/api/v1/memories", {"content": "text c"}, **key).json()["id"]
    caller.post("/api/v1/decisions", {"operation": "o", "reasoning": "r", "memories": [memory]})
    caller.post(f"/api/v1/memories/{memory}/reject", {})
    caller.delete(f"/api/v1/memories/{caller.store('text d')}")
    caller.post("/context/initialize", {})
    caller.send("/api/v1/memories/bulk?mode=async", '{"content": "text e"}', "application/x-ndjson")
    for query in ("?keep_original=true", "?mode=async"):
        assert caller.send(f"/api/v1/documents{query}", "text f", "text/plain").status_code in {201, 202}
    assert (
        caller.post("/api/v1/conversations/call/turns", {"role": "user", "content": "g"}).status_code == 201
    )


@contextmanager
def connected():
    """Open a separate connection as the application role, with nothing set."""
    parameters = connections["default"].get_connection_params()
    wanted = {
        key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if key in parameters
    }
    with psycopg.connect(**wanted) as own:
        yield own


def count(own: psycopg.Connection, table: str) -> int:
    return own.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]


def test_every_table_with_an_organisation_is_isolated(db):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant')
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organisation_id'
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'tenancy_membership'
            """
        )
        isolated = dict(cursor.fetchall())
    assert sorted(isolated) == TENANT_TABLES
    assert [table for table, yes in isolated.items() if not yes] == []


def test_application_role_cannot_bypass_row_security(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, "
            "(SELECT count(*) FROM pg_class WHERE relowner = r.oid) FROM pg_roles r WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False, False, 0)


def without_an_organisation_no_row_exists(two, raw):
    assert {table: rows for table in TENANT_TABLES if (rows := count(raw, table))} == {}


def only_the_set_organisations_rows_exist(two, raw):
    own, other = two[0].organisation, two[1].organisation
    raw.execute(SET_ORGANISATION, [str(own)])
    assert [table for table in TENANT_TABLES if not count(raw, table)] == []
    foreign = sql.SQL("SELECT count(*) FROM {} WHERE organisation_id = %s")
    seen = {
        table: raw.execute(foreign.format(sql.Identifier(table)), [other]).fetchone()[0]
        for table in TENANT_TABLES
    }
    assert {table: rows for table, rows in seen.items() if rows} == {}


def a_reused_connection_forgets_its_organisation(two, raw):
    raw.execute(SET_ORGANISATION, [str(two[0].organisation)])
    assert count(raw, "memory_memory") > 0
    raw.commit()
    # the setting is now '' rather than unset: it must match nothing, and must not raise
    assert count(raw, "memory_memory") == 0


def a_row_for_another_organisation_is_refused(two, raw):
    raw.execute(SET_ORGANISATION, [str(two[0].organisation)])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        raw.execute(
            "INSERT INTO memory_corpuscounter (organisation_id, part, documents, words) VALUES (%s, 99, 0, 0)",
            [two[1].organisation],
        )


def a_link_to_another_organisations_memory_is_refused(two, raw):
    raw.execute(SET_ORGANISATION, [str(two[1].organisation)])
    foreign = raw.execute("SELECT id FROM memory_memory LIMIT 1").fetchone()[0]
    raw.execute(SET_ORGANISATION, [str(two[0].organisation)])
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="link_to_own_memory"):
        raw.execute("UPDATE memory_memorylink SET target_id = %s", [foreign])


def key_lookup_answers_for_one_prefix_only(two, raw):
    prefix = two[0].token.split("_")[1]
    rows = raw.execute("SELECT organisation_id FROM liftos_key_by_prefix(%s)", [prefix]).fetchall()
    assert rows == [(two[0].organisation,)]
    assert raw.execute("SELECT * FROM liftos_key_by_prefix('%')").fetchall() == []


def decisions_can_not_be_rewritten(two, raw):
    for table in ("accountability_decisionrecord", "accountability_decisionpayload"):
        for statement in ("UPDATE {} SET organisation_id = organisation_id", "TRUNCATE {}"):
            raw.execute(SET_ORGANISATION, [str(two[0].organisation)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw.execute(sql.SQL(statement).format(sql.Identifier(table)))
            raw.rollback()


def decision_records_can_not_be_deleted(two, raw):
    raw.execute(SET_ORGANISATION, [str(two[0].organisation)])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("DELETE FROM accountability_decisionrecord")


def trigger_refuses_the_owner_too(two, raw):
    del two, raw
    with (
        pytest.raises(Exception, match="append-only"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute("TRUNCATE accountability_decisionrecord CASCADE")


def the_application_may_not_rewrite_the_migration_record(two, raw):
    del two
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("DELETE FROM django_migrations")


def test_a_transaction_belongs_to_one_organisation(organisations):
    first, second = organisations
    with tenant_transaction(first):
        with pytest.raises(RuntimeError, match="another organisation"), tenant_transaction(second):
            pass
        assert current_organisation() == first
    assert current_organisation() is None


def test_outside_of_a_tenant_transaction_the_orm_sees_nothing(organisations):
    first, _ = organisations
    create_api_key(organisation=first, by=SYSTEM)
    assert ApiKey.objects.count() == 0
    with tenant_transaction(first):
        assert ApiKey.objects.count() == 1


@pytest.mark.embeds_in_a_transaction
def test_failure_rolls_everything_back(committed_db):
    caller = make_caller("Broken")
    with pytest.raises(ZeroDivisionError), tenant_transaction(caller.organisation):
        remember(organisation=caller.organisation, by=SYSTEM, draft=MemoryDraft("half"))
        raise ZeroDivisionError
    with tenant_transaction(caller.organisation):
        assert Memory.objects.count() == 0


def threads_of_two_organisations_share_a_pool_and_nothing_else(two, raw):
    del raw

    def ask(turn: int) -> set[str]:
        caller = two[turn % 2]
        try:
            with tenant_transaction(caller.organisation):
                return {str(row) for row in Memory.objects.values_list("organisation_id", flat=True)} ^ {
                    str(caller.organisation)
                }
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(ask, range(200))) == set()


# one test, because two organisations with a row in every table take seconds to make
def test_postgres_keeps_two_organisations_apart(two, subtests):
    for check in (
        without_an_organisation_no_row_exists,
        only_the_set_organisations_rows_exist,
        a_reused_connection_forgets_its_organisation,
        a_row_for_another_organisation_is_refused,
        a_link_to_another_organisations_memory_is_refused,
        key_lookup_answers_for_one_prefix_only,
        decisions_can_not_be_rewritten,
        decision_records_can_not_be_deleted,
        trigger_refuses_the_owner_too,
        the_application_may_not_rewrite_the_migration_record,
        threads_of_two_organisations_share_a_pool_and_nothing_else,
    ):
        with subtests.test(check.__name__), connected() as raw:
            check(two, raw)
