"""Postgres planner settings for vector searches, set for the rest of the transaction.

By default the planner scans the graph without iterating for every organisation of 1,000 rows or more. On 100,000 vectors of 1,000
organisations (`manage.py bench search`) that finds .97 of the ten nearest for an organisation with half of the table, .62 for one
with a tenth, and sometimes no row at all.
"""

from liftos.kernel.db.transactions import raw_cursor

# Visiting a graph element costs as much as comparing three rows, so this caps the graph scan at half the cost of an exact search.
ROWS_PER_VISIT = 6
EF_SEARCH = 100

# A sequential scan reads all organisations' rows, only for row-level security to hide them.
_WITHOUT_OTHERS = ("enable_seqscan",)
# Without hash and merge joins, the filters are probed for each row from the graph; with them, the filters' rows, possibly most of
# the organisation's, would be read first.
_ONLY_GRAPH = (
    "enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
)  # fmt: skip


def plan_without_table_scan() -> None:
    """Disable sequential scans for the statements that follow."""
    _switch(_WITHOUT_OTHERS, "off")


def plan_with_table_scan() -> None:
    """Undo `plan_without_table_scan`."""
    _switch(_WITHOUT_OTHERS, None)


def _switch(settings: tuple[str, ...], value: str | None) -> None:
    """Set boolean settings until the transaction ends; None restores the session's values."""
    raw_cursor().execute(f"SELECT {_calls(settings)}", {"switch": value})


def plan_for_graph(documents: int) -> None:
    """Force plans that use the graph for the statements that follow, for an organisation with this many memories."""
    _configure(
        switch="off",
        order="relaxed_order",
        breadth=str(EF_SEARCH),
        most=str(documents // ROWS_PER_VISIT),
        # only one plan is left, and planning anew takes a quarter of the search time
        planned="force_generic_plan",
    )


def plan_as_usual() -> None:
    """Restore the session's planner settings."""
    _configure(switch=None, order=None, breadth=None, most=None, planned=None)


def _configure(**values: str | None) -> None:
    """Set or restore all settings of a graph search in one statement."""
    statement = f"""
    SELECT {_calls(_ONLY_GRAPH)}, set_config('hnsw.iterative_scan', %(order)s, true),
           set_config('hnsw.ef_search', %(breadth)s, true), set_config('hnsw.max_scan_tuples', %(most)s, true),
           set_config('plan_cache_mode', %(planned)s, true)
    """
    raw_cursor().execute(statement, values)


def _calls(settings: tuple[str, ...]) -> str:
    return ", ".join(f"set_config('{name}', %(switch)s, true)" for name in settings)
