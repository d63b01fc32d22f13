"""The SQL of memory/listing. Each statement runs in a tenant transaction."""

# the bytes of each memory's text and metadata
SIZES = """
SELECT m.id, octet_length(m.content) + octet_length(m.metadata::text) FROM memory_memory AS m
WHERE m.organisation_id = %(organisation)s AND m.id = ANY(%(ids)s)
"""
# Memories in an order. OFFSET keeps the planner from walking along the order's index, whose cost it underestimates where those that pass
# lie at its end.
SORTED = """
SELECT o.id FROM (SELECT m.id, {value} AS value FROM memory_memory AS m WHERE {where} {fence}) AS o
ORDER BY {by_value}o.id {direction} LIMIT %(limit)s
"""
FENCE = "OFFSET 0"
# those of the first in an order that pass the tests
WALKED = """
SELECT m.id FROM (SELECT m.* FROM memory_memory AS m WHERE {within} ORDER BY {order} LIMIT {walk}) AS m
WHERE {where} ORDER BY {order} LIMIT %(limit)s
"""
# whether there are more than those
BEYOND = (
    "SELECT EXISTS (SELECT 1 FROM memory_memory AS m WHERE {within} ORDER BY {order} OFFSET {walk} LIMIT 1)"
)
# the number of memories in each set, up to a bound
SIZES_OF_SETS = "SELECT {counts}"
SIZE_OF_SET = "(SELECT count(*) FROM (SELECT 1 FROM ({rows}) AS s LIMIT {most}) AS counted)"
# number of memories that pass the tests
COUNT = "SELECT count(*) FROM memory_memory AS m WHERE {where}"
# ids of all memories that pass the tests, newest first
MATCHING = "SELECT m.id FROM memory_memory AS m WHERE {where} ORDER BY m.id DESC"
