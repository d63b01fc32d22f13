from django.db import migrations

# An error of Postgres' own, so that nobody has to wait for an answer before the COMMIT is sent: the whole transaction is undone.
FENCE = """
CREATE FUNCTION liftos_fence(ended bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF ended = 0 THEN
        RAISE EXCEPTION 'the claim is no longer this worker''s' USING ERRCODE = 'LF001';
    END IF;
    RETURN true;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0002_isolation")]

    operations = [migrations.RunSQL(FENCE, "DROP FUNCTION liftos_fence(bigint)")]
