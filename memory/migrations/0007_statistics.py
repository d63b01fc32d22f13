from django.db import migrations

# Run by writers, who own no table: it counts what a new installation's tables hold, once they hold something. Skipping what
# is locked: whoever holds it is counting, or about to.
COUNT = """
CREATE FUNCTION liftos_analyse_new_memories() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT reltuples FROM pg_class WHERE oid = 'memory_memory'::regclass) >= 100 THEN
        RETURN false;
    END IF;
    ANALYZE (SKIP_LOCKED) memory_memory, memory_memoryvector, memory_posting, memory_attribute, memory_entity;
    RETURN true;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0006_graph")]

    operations = [migrations.RunSQL(COUNT, "DROP FUNCTION liftos_analyse_new_memories()")]
