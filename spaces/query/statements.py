"""The SQL of `spaces.query.matrix` and `spaces.query.arm`."""

# --- matrix.py

# every position of a layout as packed arrays, and the number of the oldest open transaction
ALL_POSITIONS = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, string_agg(uuid_send(memory_id), ''),
       string_agg(array_send(coordinates), ''), string_agg(array_send(confidences), '')
FROM spaces_position WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s
"""

# the same for positions written since
POSITIONS_SINCE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, string_agg(uuid_send(memory_id), ''),
       string_agg(array_send(coordinates), ''), string_agg(array_send(confidences), '')
FROM spaces_position WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND written >= %(horizon)s::text::xid8
"""

# --- arm.py

# those of the given memories that have a position and pass the filters
MEMBERS_AMONG = """
SELECT string_agg(uuid_send(p.memory_id), '') FROM spaces_position AS p
WHERE p.organisation_id = %(organisation)s AND p.layout_id = %(layout)s AND p.memory_id = ANY(%(ids)s) AND {where}
"""

# all memories of a layout that pass the filters
FILTERED_MEMBERS = """
SELECT string_agg(uuid_send(p.memory_id), '') FROM spaces_position AS p
WHERE p.organisation_id = %(organisation)s AND p.layout_id = %(layout)s AND {where}
"""
