"""The SQL of spaces' queries and erasure. Each runs in a tenant transaction."""

# --- queries.py

# the number of spaces without the default one
COUNT_SPACES = "SELECT count(*) FROM spaces_space WHERE organisation_id = %s AND NOT is_default"

# the number of concepts and relations by space
COUNT_PARTS = """
SELECT c.space_id, count(*), (
    SELECT count(*) FROM spaces_conceptrelation AS r
    WHERE r.organisation_id = %(organisation)s AND r.space_id = c.space_id
) FROM spaces_concept AS c WHERE c.organisation_id = %(organisation)s GROUP BY c.space_id
"""

# whether a memory has a known coordinate in any space
IS_MAPPED = """
SELECT EXISTS (
    SELECT 1 FROM spaces_position AS p WHERE p.organisation_id = %s AND p.memory_id = %s
    AND EXISTS (SELECT 1 FROM unnest(p.sources) AS s WHERE s > 0)
)
"""


# --- erasure.py

# spaces with a dimension whose poles or examples include one of these memories
DESCRIBED_BY = """
SELECT DISTINCT d.space_id FROM spaces_spacedimension AS d
WHERE d.organisation_id = %(organisation)s AND (
    d.low_memories && %(memories)s::uuid[] OR d.high_memories && %(memories)s::uuid[]
    OR EXISTS (SELECT 1 FROM jsonb_array_elements(d.examples) AS e WHERE e ->> 'memory_id' = ANY(%(memories)s::text[]))
)
"""

# remove the memories from poles and examples of dimensions
UNDESCRIBE = """
UPDATE spaces_spacedimension SET
    low_memories = ARRAY(SELECT m FROM unnest(low_memories) WITH ORDINALITY AS l(m, n) WHERE m <> ALL(%(memories)s::uuid[]) ORDER BY n),
    high_memories = ARRAY(SELECT m FROM unnest(high_memories) WITH ORDINALITY AS h(m, n) WHERE m <> ALL(%(memories)s::uuid[]) ORDER BY n),
    examples = (SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(examples) AS e
                WHERE coalesce(e ->> 'memory_id', '') <> ALL(%(memories)s::text[]))
WHERE organisation_id = %(organisation)s AND space_id = ANY(%(spaces)s)
"""

# mark the scales of spaces for recomputation
MARK_STALE = """
UPDATE spaces_layout SET outgrown = true WHERE organisation_id = %(organisation)s AND space_id = ANY(%(spaces)s)
"""

# remove the memories from the examples of concepts
UNLEARN = """
UPDATE spaces_concept
SET examples = ARRAY(SELECT m FROM unnest(examples) WITH ORDINALITY AS e(m, n) WHERE m <> ALL(%(memories)s::uuid[]) ORDER BY n)
WHERE organisation_id = %(organisation)s AND examples && %(memories)s::uuid[]
"""

# remove the memories from spaces
FORGET_MEMBERSHIPS = "DELETE FROM spaces_member WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(memories)s::uuid[])"

# clear the text of a row that quotes an erased memory, by table
BLANK = {
    "spaces_space": "UPDATE spaces_space SET description = '' WHERE organisation_id = %s AND id = %s",
    "spaces_concept": "UPDATE spaces_concept SET description = '' WHERE organisation_id = %s AND id = %s",
    "spaces_layout": "UPDATE spaces_layout SET error = '' WHERE organisation_id = %s AND id = %s",
}

# replace a dimension's texts
DESCRIBE = """
UPDATE spaces_spacedimension SET description = %(description)s, low = %(low)s::text[], high = %(high)s::text[],
    examples = %(examples)s::jsonb
WHERE organisation_id = %(organisation)s AND id = %(id)s
"""
