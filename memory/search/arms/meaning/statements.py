"""The SQL of the meaning arm: cosines by comparing every vector, or by the HNSW graph. `{nearest}` is one of these queries."""

from memory.search.statements import COLUMNS, HEADS

# One row for each of several queries for nearest memories: the ids joined, and their cosines.
SCORES_OF = "SELECT {place}, string_agg(uuid_send(memory_id), ''), array_agg(1 - distance) FROM ({nearest}) AS nearest"
# The same with the memories themselves, a row each: a search by this arm alone takes no further statement for them.
ROWS = f"""
SELECT nearest.place, 1 - nearest.distance, {COLUMNS} FROM ({{nearest}}) AS nearest
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = nearest.memory_id {HEADS}
ORDER BY nearest.distance, nearest.memory_id
"""  # noqa: S608  texts of our own
# one of the queries of ROWS
PLACED = "SELECT {place} AS place, memory_id, distance FROM ({nearest}) AS nearest{place}"

# The nearest by comparing every vector.
EXACT = """
SELECT memory_id, embedding <=> %(vector)s::halfvec AS distance FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
ORDER BY distance, memory_id LIMIT %(limit)s
"""
# All vectors, joined, to be compared here.
VECTORS = """
SELECT string_agg(uuid_send(memory_id), ''), string_agg(halfvec_send(embedding), '') FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
"""
# The nearest by the HNSW graph. The inner limit keeps the filter out of the index scan; it is pulled row by row until the outer limit is reached.
GRAPH = """
WITH near AS MATERIALIZED (
    SELECT memory_id, distance FROM (
        SELECT memory_id, embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) AS distance
        FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND model_id = {model} AND in_graph
        ORDER BY embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) LIMIT %(reach)s
    ) AS visited
    WHERE {where} LIMIT %(enough)s
)
SELECT * FROM near ORDER BY distance, memory_id LIMIT %(limit)s
"""
# The cosines of some memories.
SCORES = """
SELECT string_agg(uuid_send(memory_id), ''), array_agg(1 - (embedding <=> %(vector)s::halfvec)) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s)
"""
