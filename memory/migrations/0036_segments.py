from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp, ScopeTenant

# Lists are numbers that hardly compress. Documents are read whole by segment, and found by memory.
SEGMENTS = """
CREATE TABLE memory_segment (
    organisation_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    scope_id integer NOT NULL DEFAULT 0,
    documents integer NOT NULL CONSTRAINT segment_documents CHECK (documents > 0),
    PRIMARY KEY (organisation_id, id)
);
CREATE TABLE memory_segmentdocument (
    organisation_id uuid NOT NULL,
    segment bigint NOT NULL,
    thread_id bigint,
    place integer NOT NULL,
    passage integer NOT NULL,
    length integer NOT NULL,
    terms integer NOT NULL,
    scope_id integer NOT NULL DEFAULT 0,
    memory_id uuid NOT NULL,
    is_removed boolean NOT NULL DEFAULT false
);
CREATE INDEX document_by_segment ON memory_segmentdocument (organisation_id, segment);
CREATE INDEX document_by_memory ON memory_segmentdocument (organisation_id, memory_id);
CREATE INDEX document_removed ON memory_segmentdocument (organisation_id, segment) INCLUDE (place, scope_id) WHERE is_removed;
CREATE TABLE memory_postinglist (
    organisation_id uuid NOT NULL,
    segment bigint NOT NULL,
    size integer NOT NULL CONSTRAINT list_size CHECK (size > 0),
    scope_id integer NOT NULL DEFAULT 0,
    term text COLLATE "C" NOT NULL,
    places bytea NOT NULL,
    counts bytea NOT NULL,
    PRIMARY KEY (organisation_id, term, segment)
);
CREATE INDEX list_by_segment ON memory_postinglist (organisation_id, segment);
ALTER TABLE memory_postinglist ALTER COLUMN places SET STORAGE EXTERNAL, ALTER COLUMN counts SET STORAGE EXTERNAL
"""
# Without segments, what they held is to be indexed again. The owner is bound by the policies too.
BACK = """
ALTER TABLE memory_indexstate NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memory_segment NO FORCE ROW LEVEL SECURITY;
UPDATE memory_indexstate SET analyser = '' WHERE organisation_id IN (SELECT organisation_id FROM memory_segment);
ALTER TABLE memory_indexstate FORCE ROW LEVEL SECURITY;
DROP TABLE memory_postinglist, memory_segmentdocument, memory_segment
"""
# What runs before a tenant is known: which organisations have many postings in rows, eight small segments in a scope, or a segment of which
# a sixteenth was removed (memory/index/postings/packing.py).
TO_PACK = """
CREATE FUNCTION liftos_organisations_to_pack(rows bigint, segments integer, small integer) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.organisation_id FROM (SELECT DISTINCT organisation_id FROM memory_corpuscounter) AS c
    WHERE EXISTS (SELECT 1 FROM memory_posting AS p WHERE p.organisation_id = c.organisation_id OFFSET rows)
    UNION
    SELECT organisation_id FROM memory_segment WHERE documents < small
    GROUP BY organisation_id, scope_id HAVING count(*) >= segments
    UNION
    SELECT s.organisation_id FROM memory_segment AS s WHERE 16 * (
        SELECT count(*) FROM memory_segmentdocument AS d
        WHERE d.organisation_id = s.organisation_id AND d.segment = s.id AND d.is_removed
    ) > s.documents
$$
"""
TABLES = ("memory_segment", "memory_segmentdocument", "memory_postinglist")


class Migration(migrations.Migration):
    dependencies = [("memory", "0035_time_with_id")]

    operations = [
        migrations.RunSQL(SEGMENTS, BACK),
        *(operation(table) for table in TABLES for operation in (IsolateTenant, ScopeTenant)),
        OwnerMayLookUp("memory_posting"),
        OwnerMayLookUp("memory_segment"),
        OwnerMayLookUp("memory_segmentdocument", "is_removed"),
        migrations.RunSQL(TO_PACK, "DROP FUNCTION liftos_organisations_to_pack(bigint, integer, integer)"),
        migrations.CreateModel(
            name='PostingList',
            fields=[
                ('scope_id', models.IntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('organisation_id', 'term', 'segment', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.TextField()),
                ('segment', models.BigIntegerField()),
                ('size', models.IntegerField()),
                ('places', models.BinaryField()),
                ('counts', models.BinaryField()),
            ],
            options={
                'db_table': 'memory_postinglist',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('scope_id', models.IntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('organisation_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('id', models.BigIntegerField()),
                ('documents', models.IntegerField()),
            ],
            options={
                'db_table': 'memory_segment',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='SegmentDocument',
            fields=[
                ('scope_id', models.IntegerField(db_default=0, default=0)),
                ('pk', models.CompositePrimaryKey('organisation_id', 'segment', 'place', blank=True, editable=False, primary_key=True, serialize=False)),
                ('segment', models.BigIntegerField()),
                ('place', models.IntegerField()),
                ('passage', models.IntegerField()),
                ('length', models.IntegerField()),
                ('thread_id', models.BigIntegerField(null=True)),
                ('terms', models.IntegerField()),
                ('is_removed', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'db_table': 'memory_segmentdocument',
                'managed': False,
            },
        ),
    ]
