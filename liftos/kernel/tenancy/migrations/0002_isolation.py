from django.db import migrations

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

# Runs before a tenant is known. Answers for exactly one prefix, with what is needed to check the secret.
KEY_BY_PREFIX = """
CREATE FUNCTION liftos_key_by_prefix(wanted text)
RETURNS TABLE (id uuid, organisation_id uuid, slug text, secret_hash bytea, scopes text[],
               expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, k.organisation_id, o.slug::text, k.secret_hash, k.scopes::text[], k.expires_at, k.revoked_at,
           k.last_used_at
    FROM tenancy_apikey AS k JOIN tenancy_organisation AS o ON o.id = k.organisation_id
    WHERE k.prefix = wanted
$$
"""

REFUSE_CHANGE = """
CREATE FUNCTION liftos_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial")]

    operations = [
        IsolateTenant("tenancy_apikey"),
        OwnerMayLookUp("tenancy_apikey"),
        migrations.RunSQL(KEY_BY_PREFIX, "DROP FUNCTION liftos_key_by_prefix(text)"),
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION liftos_refuse_change()"),
    ]
