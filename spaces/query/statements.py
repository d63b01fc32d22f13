"""The SQL of `spaces.query.matrix`: positions as packed arrays, with the oldest transaction that was still open."""

# --- matrix.py

# every position of a layout
ALL_POSITIONS = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, string_agg(uuid_send(memory_id), ''),
       string_agg(array_send(coordinates), ''), string_agg(array_send(confidences), '')
FROM spaces_position WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s
"""

# those written since
POSITIONS_SINCE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, string_agg(uuid_send(memory_id), ''),
       string_agg(array_send(coordinates), ''), string_agg(array_send(confidences), '')
FROM spaces_position WHERE organisation_id = %(organisation)s AND layout_id = %(layout)s AND written >= %(horizon)s::text::xid8
"""
