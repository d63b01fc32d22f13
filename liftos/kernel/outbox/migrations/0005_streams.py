from django.db import migrations

# what runs before a tenant is known
LOOK_UP = """
CREATE FUNCTION liftos_last_events(organisations uuid[]) RETURNS TABLE (organisation_id uuid, last bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.organisation_id, s.last FROM events_stream AS s WHERE s.organisation_id = ANY(organisations)
$$;
"""


class Migration(migrations.Migration):

    dependencies = [('events', '0004_relay')]

    operations = [migrations.RunSQL(LOOK_UP, "DROP FUNCTION liftos_last_events(uuid[])")]
