from django.db import migrations

from liftos.kernel.tenancy.rls import AppendOnly, IsolateTenant, OwnerMayLookUp

TABLES = (
    "decisionrecord", "decisionpayload", "decisionlink", "ledgerpending", "ledgerleaf", "ledgernode", "ledgercheckpoint",
)
# a payload may be erased, a queued record leaves the queue; nothing else ever goes, and nothing is rewritten
DELETABLE = {"decisionpayload", "ledgerpending"}

PENDING = """
CREATE FUNCTION liftos_organisations_with_pending_records() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT p.organisation_id FROM accountability_ledgerpending AS p
$$
"""
# the other end of a decision's links is found by the primary key
BY_CHILD = "CREATE INDEX link_by_child ON accountability_decisionlink (organisation_id, child_id)"


class Migration(migrations.Migration):
    dependencies = [("accountability", "0001_initial"), ("tenancy", "0002_isolation")]

    operations = [
        *[IsolateTenant(f"accountability_{table}") for table in TABLES],
        *[AppendOnly(f"accountability_{table}", deletable=table in DELETABLE) for table in TABLES],
        OwnerMayLookUp("accountability_ledgerpending"),
        migrations.RunSQL(PENDING, "DROP FUNCTION liftos_organisations_with_pending_records()"),
        migrations.RunSQL(BY_CHILD, "DROP INDEX link_by_child"),
    ]
