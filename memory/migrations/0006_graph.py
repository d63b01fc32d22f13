from django.db import migrations, models

from liftos.kernel.tenancy.rls import OwnerMayLookUp

# What is outside of the graph is read from end to end, by organisation and model.
OUTSIDE = "CREATE INDEX vector_outside_graph ON memory_memoryvector (organisation_id, model_id) WHERE NOT in_graph"

# The graph of each model begins anew and empty: a worker puts into it what belongs there.
EMPTIED = """
DO $$
DECLARE model record;
BEGIN
    FOR model IN
        SELECT id, dimension FROM embedding_embeddingmodel WHERE to_regclass('memory_vector_hnsw_' || id) IS NOT NULL
    LOOP
        EXECUTE format('DROP INDEX memory_vector_hnsw_%s', model.id);
        EXECUTE format(
            'CREATE INDEX memory_vector_hnsw_%s ON memory_memoryvector
             USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE model_id = %s AND in_graph',
            model.id, model.dimension, model.id
        );
    END LOOP;
END $$
"""
FULL = EMPTIED.replace(" AND in_graph'", "'")

# What runs before a tenant is known: which organisations are large enough for the graph and have vectors outside of it.
TO_GROW = """
CREATE FUNCTION liftos_organisations_outside_graph(fewest bigint) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.organisation_id FROM memory_corpuscounter AS c
    GROUP BY c.organisation_id HAVING sum(c.documents) >= fewest AND EXISTS (
        SELECT 1 FROM memory_memoryvector AS v WHERE v.organisation_id = c.organisation_id AND NOT v.in_graph
    )
$$
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0005_watched")]

    operations = [
        migrations.AddField("memoryvector", "in_graph", models.BooleanField(db_default=False, default=False)),
        migrations.RunSQL(OUTSIDE, "DROP INDEX vector_outside_graph"),
        migrations.RunSQL(EMPTIED, FULL),
        OwnerMayLookUp("memory_corpuscounter"),
        OwnerMayLookUp("memory_memoryvector", "NOT in_graph"),
        migrations.RunSQL(TO_GROW, "DROP FUNCTION liftos_organisations_outside_graph(bigint)"),
    ]
