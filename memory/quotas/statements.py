"""The SQL of quotas. Each runs in a tenant transaction."""

# quotas of an organisation, by owner
QUOTAS = """
SELECT whose, memories, bytes, searches_per_day FROM memory_quotarow WHERE organisation_id = %s
"""
# usage of some owners; each has up to sixteen rows
USAGE = """
SELECT whose, sum(memories)::bigint, sum(bytes)::bigint FROM memory_usagepart
WHERE organisation_id = %s AND whose = ANY(%s) GROUP BY whose
"""
