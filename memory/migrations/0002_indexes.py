from django.db import migrations

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

# Primary keys that carry the columns a score is made from, so that scoring reads the index alone.
POSTING = """
CREATE TABLE memory_posting (
    organisation_id uuid NOT NULL,
    term text COLLATE "C" NOT NULL,
    memory_id uuid NOT NULL,
    tf integer NOT NULL CONSTRAINT posting_counts CHECK (tf > 0),
    length integer NOT NULL,
    PRIMARY KEY (organisation_id, term, memory_id) INCLUDE (tf, length)
)
"""
ATTRIBUTE = """
CREATE TABLE memory_attribute (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL,
    memory_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    text_value text COLLATE "C",
    number_value numeric,
    CONSTRAINT attribute_is_text_or_number CHECK (num_nonnulls(text_value, number_value) = 1)
);
CREATE INDEX attribute_text ON memory_attribute (organisation_id, key, text_value, memory_id)
    WHERE text_value IS NOT NULL;
CREATE INDEX attribute_number ON memory_attribute (organisation_id, key, number_value, memory_id)
    WHERE number_value IS NOT NULL;
CREATE INDEX attribute_by_memory ON memory_attribute (organisation_id, memory_id);
"""

# Checks of plain foreign keys bypass row security: a foreign organisation's id would be accepted. These can't be
# satisfied by another organisation's row.
COMPOSITE_KEYS = """
ALTER TABLE memory_memoryvector ADD CONSTRAINT vector_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE memory_memorylink ADD CONSTRAINT link_from_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE memory_memorylink ADD CONSTRAINT link_to_own_memory
    FOREIGN KEY (organisation_id, target_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
"""
HNSW = """
CREATE INDEX memory_vector_hnsw_1 ON memory_memoryvector
USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops) WHERE model_id = 1
"""

PENDING = """
CREATE FUNCTION liftos_organisations_with_pending_embeddings() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT m.organisation_id FROM memory_memory AS m WHERE m.embedding = 'pending'
$$
"""


class Migration(migrations.Migration):
    dependencies = [("memory", "0001_initial"), ("tenancy", "0002_isolation"), ("embedding", "0003_default_model")]

    operations = [
        migrations.RunSQL(POSTING, "DROP TABLE memory_posting"),
        migrations.RunSQL(ATTRIBUTE, "DROP TABLE memory_attribute"),
        migrations.RunSQL(COMPOSITE_KEYS, migrations.RunSQL.noop),
        *[
            IsolateTenant(f"memory_{table}")
            for table in ("memory", "memoryvector", "memorylink", "posting", "attribute", "corpuscounter")
        ],
        OwnerMayLookUp("memory_memory", "embedding = 'pending'"),
        migrations.RunSQL(PENDING, "DROP FUNCTION liftos_organisations_with_pending_embeddings()"),
        migrations.RunSQL(HNSW, "DROP INDEX memory_vector_hnsw_1"),
    ]
