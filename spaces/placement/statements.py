"""The SQL of layouts and positions. Each runs in a tenant transaction."""

# --- layouts.py

# The layouts that memories belong to. FOR KEY SHARE keeps them from being deleted until the positions are written, as the positions'
# foreign key does later.
CONCERNED = """
SELECT l.id, l.space_id, s.holds_all, CASE WHEN l.model_id IS NOT NULL AND NOT l.outgrown AND EXISTS (
    SELECT 1 FROM spaces_spaceversion AS v WHERE v.organisation_id = l.organisation_id AND v.space_id = l.space_id
    AND v.number = s.version AND v.layout_id = l.id
) THEN l.own END FROM spaces_layout AS l JOIN spaces_space AS s
ON s.organisation_id = l.organisation_id AND s.id = l.space_id
WHERE l.organisation_id = %(organisation)s AND l.state <> 'dropped' AND (s.holds_all OR EXISTS (
    SELECT 1 FROM spaces_member AS m
    WHERE m.organisation_id = %(organisation)s AND m.space_id = s.id AND m.memory_id = ANY(%(ids)s)
)) ORDER BY l.id FOR KEY SHARE OF l
"""

# explicit coordinates
GIVEN = """
SELECT memory_id, given::text FROM spaces_member
WHERE organisation_id = %(organisation)s AND space_id = %(space)s AND memory_id = ANY(%(ids)s)
"""

# members in order of id
PAGE_OF_MEMBERS = """
SELECT memory_id FROM spaces_member WHERE organisation_id = %(organisation)s AND space_id = %(space)s AND memory_id > %(after)s
ORDER BY memory_id LIMIT %(limit)s
"""

# the number of members of a space
COUNT_MEMBERS = "SELECT count(*) FROM spaces_member WHERE organisation_id = %s AND space_id = %s"

# all positions of a layout
FORGET_POSITIONS = "DELETE FROM spaces_position WHERE organisation_id = %s AND layout_id = %s"

# the number of this transaction
THIS_TRANSACTION = "SELECT pg_current_xact_id()::text"

# the number of the oldest open transaction
OLDEST_TRANSACTION = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"


# --- outgrowing.py

# the scales of current versions that are not marked, with the numbers of texts they are based on
SCALES_IN_USE = """
SELECT l.id, l.model_id, CASE WHEN s.holds_all THEN NULL ELSE s.id END, l.own, l.around FROM spaces_space AS s
JOIN spaces_spaceversion AS v ON v.organisation_id = s.organisation_id AND v.space_id = s.id AND v.number = s.version
JOIN spaces_layout AS l ON l.organisation_id = v.organisation_id AND l.id = v.layout_id
WHERE s.organisation_id = %(organisation)s AND l.model_id IS NOT NULL AND NOT l.outgrown
"""

# SKIP LOCKED: whoever holds the row is recomputing or marking it
MARK_OUTGROWN = """
UPDATE spaces_layout SET outgrown = true WHERE organisation_id = %(organisation)s AND id IN (
    SELECT id FROM spaces_layout WHERE organisation_id = %(organisation)s AND id = ANY(%(layouts)s) AND NOT outgrown
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
"""


# --- own_texts.py

# in pseudo-random order, so that the first ones are a fair sample
SAMPLE_MEMBERS = """
SELECT memory_id FROM spaces_member WHERE organisation_id = %s AND space_id = %s ORDER BY hashtext(memory_id::text), memory_id
"""


# --- positions.py

# in order of id, so that two writers can't deadlock
WRITE_POSITIONS = """
INSERT INTO spaces_position (organisation_id, layout_id, memory_id, coordinates, sources, confidences, scope_id)
SELECT %(organisation)s, %(layout)s, p.id, (%(values)s::float8[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s],
       (%(sources)s::smallint[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s],
       (%(confidences)s::float8[])[(p.n - 1) * %(size)s + 1 : p.n * %(size)s], m.scope_id
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS p(id, n)
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = p.id ORDER BY p.id
ON CONFLICT (organisation_id, layout_id, memory_id) DO UPDATE
SET coordinates = excluded.coordinates, sources = excluded.sources, confidences = excluded.confidences,
    scope_id = excluded.scope_id, written = pg_current_xact_id()
"""

# the scopes of memberships are those of the memories
SCOPE_MEMBERS = """
UPDATE spaces_member AS s SET scope_id = m.scope_id FROM memory_memory AS m
WHERE s.organisation_id = %(organisation)s AND s.memory_id = ANY(%(ids)s)
AND m.organisation_id = %(organisation)s AND m.id = s.memory_id AND s.scope_id <> m.scope_id
"""

# positions of memories, in every layout
REMOVE_POSITIONS = """
DELETE FROM spaces_position WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)
"""

# positions of memories, in one space
REMOVE_FROM_SPACE = """
DELETE FROM spaces_position WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)
AND layout_id IN (SELECT id FROM spaces_layout WHERE organisation_id = %(organisation)s AND space_id = %(space)s)
"""

# those of the given memories that have a position in a layout
PRESENT = """
SELECT memory_id FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id = ANY(%(ids)s)
"""

# positions of the given memories in a layout
READ_POSITIONS = """
SELECT memory_id, coordinates, sources, confidences FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id = ANY(%(ids)s)
"""

# positions of a layout, newest memories first
PAGE_OF_POSITIONS = """
SELECT memory_id, coordinates, sources, confidences FROM spaces_position
WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND memory_id < %(before)s
ORDER BY memory_id DESC LIMIT %(limit)s
"""
