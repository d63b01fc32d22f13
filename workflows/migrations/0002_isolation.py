from django.db import migrations

from liftos.kernel.tenancy.rls import AppendOnly, IsolateTenant, OwnerMayLookUp

TABLES = ("policy", "template", "templateversion", "run", "step", "transition", "mention")

# Can't be satisfied by another organisation's row; what a run has goes with it.
COMPOSITE_KEYS = """
ALTER TABLE workflows_templateversion ADD CONSTRAINT version_of_own_template
    FOREIGN KEY (organisation_id, template_id) REFERENCES workflows_template (organisation_id, id);
ALTER TABLE workflows_run ADD CONSTRAINT run_of_own_version
    FOREIGN KEY (organisation_id, version_id) REFERENCES workflows_templateversion (organisation_id, id);
ALTER TABLE workflows_step ADD CONSTRAINT step_of_own_run
    FOREIGN KEY (organisation_id, run_id) REFERENCES workflows_run (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE workflows_transition ADD CONSTRAINT transition_of_own_run
    FOREIGN KEY (organisation_id, run_id) REFERENCES workflows_run (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE workflows_mention ADD CONSTRAINT mention_of_own_run
    FOREIGN KEY (organisation_id, run_id) REFERENCES workflows_run (organisation_id, id) ON DELETE CASCADE;
-- a result that quotes what was erased meanwhile is refused, and its step tried again
ALTER TABLE workflows_mention ADD CONSTRAINT mention_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
CREATE INDEX mention_by_run ON workflows_mention (organisation_id, run_id);
"""
COMPOSITE_KEYS_BACK = """
DROP INDEX mention_by_run;
ALTER TABLE workflows_mention DROP CONSTRAINT mention_of_own_memory;
ALTER TABLE workflows_mention DROP CONSTRAINT mention_of_own_run;
ALTER TABLE workflows_transition DROP CONSTRAINT transition_of_own_run;
ALTER TABLE workflows_step DROP CONSTRAINT step_of_own_run;
ALTER TABLE workflows_run DROP CONSTRAINT run_of_own_version;
ALTER TABLE workflows_templateversion DROP CONSTRAINT version_of_own_template;
"""
# A running workflow keeps what it began with, so what was published may be retired and nothing else.
IMMUTABLE = """
CREATE FUNCTION liftos_published_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.status <> 'draft' THEN
        RAISE EXCEPTION 'a published version of a workflow stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status <> 'draft' AND (
        NEW.status = 'draft' OR (NEW.payload, NEW.definition, NEW.number, NEW.template_id, NEW.organisation_id)
        IS DISTINCT FROM (OLD.payload, OLD.definition, OLD.number, OLD.template_id, OLD.organisation_id)
    ) THEN
        RAISE EXCEPTION 'a published version of a workflow does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER published_stays BEFORE UPDATE OR DELETE ON workflows_templateversion
    FOR EACH ROW EXECUTE FUNCTION liftos_published_stays();
"""
IMMUTABLE_BACK = """
DROP TRIGGER published_stays ON workflows_templateversion;
DROP FUNCTION liftos_published_stays();
"""
# What runs before a tenant is known: where the reaper and the removal of old runs have work. The first walks the index from
# organisation to organisation: a backlog of many ready steps costs one step of it for each organisation.
SWEEP = """
CREATE FUNCTION liftos_organisations_with_workflow_work() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE ready AS (
        (SELECT s.organisation_id FROM workflows_step AS s WHERE s.status = 'ready' ORDER BY 1 LIMIT 1)
        UNION ALL
        SELECT (SELECT s.organisation_id FROM workflows_step AS s
                WHERE s.status = 'ready' AND s.organisation_id > ready.organisation_id ORDER BY 1 LIMIT 1)
        FROM ready WHERE ready.organisation_id IS NOT NULL
    )
    SELECT ready.organisation_id FROM ready WHERE ready.organisation_id IS NOT NULL
    UNION SELECT s.organisation_id FROM workflows_step AS s WHERE s.status = 'retry_wait' AND s.run_at <= now()
    UNION SELECT s.organisation_id FROM workflows_step AS s WHERE s.token IS NOT NULL AND s.lease_until < now()
$$;
CREATE FUNCTION liftos_organisations_with_runs_ended_before(moment timestamptz) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT r.organisation_id FROM workflows_run AS r WHERE r.finished_at < moment
$$;
"""
SWEEP_BACK = """
DROP FUNCTION liftos_organisations_with_workflow_work();
DROP FUNCTION liftos_organisations_with_runs_ended_before(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0001_initial"), ("memory", "0004_life"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.RunSQL(COMPOSITE_KEYS, COMPOSITE_KEYS_BACK),
        *[IsolateTenant(f"workflows_{table}") for table in TABLES],
        AppendOnly("workflows_transition", deletable=True),
        migrations.RunSQL(IMMUTABLE, IMMUTABLE_BACK),
        OwnerMayLookUp("workflows_step", "status IN ('ready', 'retry_wait', 'running')"),
        OwnerMayLookUp("workflows_run", "finished_at IS NOT NULL"),
        migrations.RunSQL(SWEEP, SWEEP_BACK),
    ]
