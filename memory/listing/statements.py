"""The SQL of memory/listing. Each statement runs in a tenant transaction."""

# the ids of a page, and the bytes of each memory's text and metadata
PAGE = """
SELECT m.id, octet_length(m.content) + octet_length(m.metadata::text)
FROM (SELECT o.id, row_number() OVER () AS place FROM ({ordered}) AS o) AS w
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = w.id ORDER BY w.place
"""
# memories in an order, from a place
ORDERED = (
    "SELECT m.id, {value} AS value FROM memory_memory AS m WHERE {where} ORDER BY {order} LIMIT %(limit)s"
)
# those with a value, and those without
BOTH = """
SELECT b.id, b.value FROM (
    SELECT p.id, p.value, 0 AS absent FROM ({present}) AS p UNION ALL SELECT a.id, NULL, 1 FROM ({absent}) AS a
) AS b ORDER BY b.absent {last}, b.value {direction}, b.id {direction} LIMIT %(limit)s
"""
# number of memories that pass the tests
COUNT = "SELECT count(*) FROM memory_memory AS m WHERE {where}"
# ids of all memories that pass the tests, newest first
MATCHING = "SELECT m.id FROM memory_memory AS m WHERE {where} ORDER BY m.id DESC"
