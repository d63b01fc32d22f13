from django.db import migrations

from liftos.kernel.tenancy.rls import IsolateTenant, OwnerMayLookUp

# `written` is the transaction that wrote the row: who keeps positions in memory asks for what has been written since
# (spaces/query/matrix.py). Other than a number given in order of writing, it says what may still commit.
POSITION = """
CREATE TABLE spaces_position (
    organisation_id uuid NOT NULL,
    layout_id uuid NOT NULL,
    memory_id uuid NOT NULL,
    coordinates float8[] NOT NULL,
    sources smallint[] NOT NULL,
    confidences float8[] NOT NULL,
    written xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (organisation_id, layout_id, memory_id),
    CONSTRAINT position_is_whole CHECK (
        cardinality(coordinates) = cardinality(sources) AND cardinality(coordinates) = cardinality(confidences)
    )
);
CREATE INDEX position_by_writing ON spaces_position (organisation_id, layout_id, written);
CREATE INDEX position_by_memory ON spaces_position (organisation_id, memory_id);
"""
# as for vectors and links: a foreign organisation's id can't satisfy these
COMPOSITE_KEYS = """
ALTER TABLE spaces_layout ADD CONSTRAINT layout_of_own_space
    FOREIGN KEY (organisation_id, space_id) REFERENCES spaces_space (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_spaceversion ADD CONSTRAINT version_of_own_space
    FOREIGN KEY (organisation_id, space_id) REFERENCES spaces_space (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_spaceversion ADD CONSTRAINT version_of_own_layout
    FOREIGN KEY (organisation_id, layout_id) REFERENCES spaces_layout (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_spacedimension ADD CONSTRAINT dimension_of_own_version
    FOREIGN KEY (organisation_id, space_id, version)
    REFERENCES spaces_spaceversion (organisation_id, space_id, number) ON DELETE CASCADE;
ALTER TABLE spaces_member ADD CONSTRAINT member_of_own_space
    FOREIGN KEY (organisation_id, space_id) REFERENCES spaces_space (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_member ADD CONSTRAINT member_is_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_concept ADD CONSTRAINT concept_of_own_space
    FOREIGN KEY (organisation_id, space_id) REFERENCES spaces_space (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_conceptrelation ADD CONSTRAINT relation_from_own_concept
    FOREIGN KEY (organisation_id, space_id, source_id) REFERENCES spaces_concept (organisation_id, space_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_conceptrelation ADD CONSTRAINT relation_to_own_concept
    FOREIGN KEY (organisation_id, space_id, target_id) REFERENCES spaces_concept (organisation_id, space_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_position ADD CONSTRAINT position_of_own_layout
    FOREIGN KEY (organisation_id, layout_id) REFERENCES spaces_layout (organisation_id, id) ON DELETE CASCADE;
ALTER TABLE spaces_position ADD CONSTRAINT position_of_own_memory
    FOREIGN KEY (organisation_id, memory_id) REFERENCES memory_memory (organisation_id, id) ON DELETE CASCADE;
"""
WAITING = """
CREATE FUNCTION liftos_organisations_with_layouts_to_make() RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT l.organisation_id FROM spaces_layout AS l WHERE NOT l.checked AND l.state <> 'dropped'
$$
"""
TABLES = ("space", "layout", "spaceversion", "spacedimension", "member", "concept", "conceptrelation", "position")


class Migration(migrations.Migration):
    dependencies = [("spaces", "0001_initial"), ("memory", "0004_life"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.RunSQL(POSITION, "DROP TABLE spaces_position"),
        migrations.RunSQL(COMPOSITE_KEYS, migrations.RunSQL.noop),
        *[IsolateTenant(f"spaces_{table}") for table in TABLES],
        OwnerMayLookUp("spaces_layout", "NOT checked AND state <> 'dropped'"),
        migrations.RunSQL(WAITING, "DROP FUNCTION liftos_organisations_with_layouts_to_make()"),
    ]
