"""The SQL of the meaning arm: exact and HNSW nearest-neighbour queries, and statements that wrap them as `{nearest}`."""

from memory.search.statements import COLUMNS, HEADS

# One row per query: concatenated ids, and their cosines.
SCORES_OF = "SELECT {place}, string_agg(uuid_send(memory_id), ''), array_agg(1 - distance) FROM ({nearest}) AS nearest"
# One row per memory, joined with its columns, for searches by this arm alone.
ROWS = f"""
SELECT nearest.place, 1 - nearest.distance, {COLUMNS} FROM ({{nearest}}) AS nearest
JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = nearest.memory_id {HEADS}
ORDER BY nearest.distance, nearest.memory_id
"""  # noqa: S608  built from constants
# One query within ROWS.
PLACED = "SELECT {place} AS place, memory_id, distance FROM ({nearest}) AS nearest{place}"

# Nearest neighbours by comparing every vector.
EXACT = """
SELECT memory_id, embedding <=> %(vector)s::halfvec AS distance FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
ORDER BY distance, memory_id LIMIT %(limit)s
"""
# The same with one row per memory, by its nearest passage.
EXACT_BY_MEMORY = """
SELECT memory_id, min(embedding <=> %(vector)s::halfvec) AS distance FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
GROUP BY memory_id ORDER BY distance, memory_id LIMIT %(limit)s
"""
# All vectors, concatenated, to compare in numpy.
VECTORS = """
SELECT string_agg(uuid_send(memory_id), ''), string_agg(halfvec_send(embedding), '') FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND {where}
"""
# Nearest neighbours by the HNSW graph. The inner LIMIT keeps the filter out of the index scan, which is read until the outer LIMIT is reached.
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
# Cosines of the passages of given memories.
PASSAGE_SCORES = """
SELECT uuid_send(memory_id), passage, 1 - (embedding <=> %(vector)s::halfvec) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s)
"""
# Cosines of given memories, one for each passage.
SCORES = """
SELECT string_agg(uuid_send(memory_id), ''), array_agg(1 - (embedding <=> %(vector)s::halfvec)) FROM memory_memoryvector
WHERE organisation_id = %(organisation)s AND model_id = %(model)s AND memory_id = ANY(%(ids)s)
"""
