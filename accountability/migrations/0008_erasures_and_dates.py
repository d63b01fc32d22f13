import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from liftos.kernel.tenancy.rls import CURRENT, DatedByDatabase, IsolateTenant, OnlyMigrationsWrite

# the leaf's canonical JSON around the time of recording, which nobody but the database knows when the row is written
LEAF_HASH = """
CREATE FUNCTION liftos_leaf_hash(head bytea, recorded_at timestamptz, tail bytea) RETURNS bytea LANGUAGE sql STABLE
RETURN sha256('\\x00'::bytea || head
    || convert_to(to_char(recorded_at AT TIME ZONE 'UTC', '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""'), 'UTF8') || tail)
"""
# a date that was given is refused, not replaced: who sends one has hashed it
DATE_DECISION = """
CREATE FUNCTION liftos_date_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.recorded_at IS NOT NULL THEN
        RAISE EXCEPTION 'recorded_at of % is set by the database', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER dated_by_database BEFORE INSERT ON accountability_decisionrecord
    FOR EACH ROW EXECUTE FUNCTION liftos_date_decision()
"""
DATE_DECISION_BACK = """
DROP TRIGGER dated_by_database ON accountability_decisionrecord;
DROP FUNCTION liftos_date_decision()
"""
DATE_ROW = """
CREATE FUNCTION liftos_date_recorded_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END
$$
"""
# A row made by this transaction or a savepoint of it: its xmin is none before the transaction's own number, and still in progress.
OWN_ROW = """
CREATE FUNCTION liftos_row_is_own(made_by xid) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN age(made_by) > age(pg_current_xact_id()::xid) THEN false ELSE
        pg_xact_status((pg_current_xact_id()::text::bigint + age(pg_current_xact_id()::xid) - age(made_by))::text::xid8)
            = 'in progress' END
$$
"""
# What an erasure's payload lists. U+0000 is legal in JSON and not in jsonb: another character takes its place before reading,
# whichever way the backslash is meant.
LISTED = """
CREATE FUNCTION liftos_erased_decisions(body text) RETURNS SETOF uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_array_elements_text(replace(body, '\\u0000', '\\ufffd')::jsonb #> '{outputs,erased_decisions}')::uuid
$$
"""
ERASE = f"""
CREATE FUNCTION liftos_erase_payloads(erasure uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant uuid := {CURRENT};
    memory text;
    listed uuid[];
    removed bigint;
BEGIN
    SELECT r.subject_id, ARRAY(SELECT liftos_erased_decisions(p.body)) INTO memory, listed
    FROM accountability_decisionrecord AS r
    JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
    WHERE r.organisation_id = tenant AND r.id = erasure AND r.operation = 'memory.delete' AND r.effect = 'delete'
        AND r.subject_kind = 'memory' AND r.subject_id <> '' AND liftos_row_is_own(r.xmin);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no erasure % was recorded in this transaction', erasure USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT 1 FROM unnest(listed) AS d(id) WHERE NOT EXISTS (
            SELECT 1 FROM accountability_decisionrecord AS r WHERE r.organisation_id = tenant AND r.id = d.id
            AND r.operation <> 'memory.delete' AND (r.subject_kind = 'memory' AND r.subject_id = memory OR EXISTS (
                SELECT 1 FROM accountability_citedmemory AS c
                WHERE c.organisation_id = tenant AND c.memory_id::text = memory AND c.decision_id = d.id)))
    ) THEN
        RAISE EXCEPTION 'the erasure % lists a decision that it may not scrub', erasure
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM accountability_decisionpayload WHERE organisation_id = tenant AND decision_id = ANY(listed);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
REVOKE DELETE ON accountability_decisionpayload FROM "{settings.LIFTOS_APP_ROLE}"
"""
ERASE_BACK = f"""
GRANT DELETE ON accountability_decisionpayload TO "{settings.LIFTOS_APP_ROLE}";
DROP FUNCTION liftos_erase_payloads(uuid)
"""
PAYLOAD_OF = """
ALTER TABLE accountability_decisionpayload ADD CONSTRAINT payload_of_decision
    FOREIGN KEY (organisation_id, decision_id) REFERENCES accountability_decisionrecord (organisation_id, id)
"""
# what there was before: logs dated by the application, and payloads whose erasures list nothing
EARLIER = """
ALTER TABLE accountability_decisionrecord NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_decisionpayload NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_ledgerrule NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_unlistederasure NO FORCE ROW LEVEL SECURITY;
INSERT INTO accountability_ledgerrule (organisation_id, size)
    SELECT organisation_id, count(*) FROM accountability_decisionrecord GROUP BY organisation_id;
INSERT INTO accountability_unlistederasure (organisation_id, decision_id)
    SELECT r.organisation_id, r.id FROM accountability_decisionrecord AS r
    LEFT JOIN accountability_decisionpayload AS p ON p.organisation_id = r.organisation_id AND p.decision_id = r.id
    WHERE p.decision_id IS NULL;
ALTER TABLE accountability_decisionrecord FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_decisionpayload FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_ledgerrule FORCE ROW LEVEL SECURITY;
ALTER TABLE accountability_unlistederasure FORCE ROW LEVEL SECURITY
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accountability', '0007_calibration'),
        ('tenancy', '0002_isolation'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerRule',
            fields=[
                ('organisation', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='tenancy.organisation')),
                ('size', models.BigIntegerField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='UnlistedErasure',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'decision_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('decision_id', models.UUIDField()),
                ('organisation', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='tenancy.organisation')),
            ],
        ),
        IsolateTenant("accountability_ledgerrule"),
        IsolateTenant("accountability_unlistederasure"),
        OnlyMigrationsWrite("accountability_ledgerrule"),
        OnlyMigrationsWrite("accountability_unlistederasure"),
        migrations.RunSQL(EARLIER, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='decisionpayload',
            name='decision',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='payload', serialize=False, to='accountability.decisionrecord'),
        ),
        migrations.RunSQL(PAYLOAD_OF, "ALTER TABLE accountability_decisionpayload DROP CONSTRAINT payload_of_decision"),
        migrations.RunSQL(LEAF_HASH, "DROP FUNCTION liftos_leaf_hash(bytea, timestamptz, bytea)"),
        migrations.RunSQL(DATE_DECISION, DATE_DECISION_BACK),
        migrations.RunSQL(DATE_ROW, "DROP FUNCTION liftos_date_recorded_at()"),
        DatedByDatabase("accountability_ledgercheckpoint"),
        migrations.RunSQL(OWN_ROW, "DROP FUNCTION liftos_row_is_own(xid)"),
        migrations.RunSQL(LISTED, "DROP FUNCTION liftos_erased_decisions(text)"),
        migrations.RunSQL(ERASE, ERASE_BACK),
    ]
