"""Postgres' planner settings around a vector search, set for the rest of the transaction.

The planner can't be left alone here. Measured on 100,000 vectors of 1,000 organisations (`manage.py bench search`): left to itself it
takes the graph without iterating for every organisation of 1,000 rows or more, which finds .97 of the ten nearest where the
organisation has half of the table, .62 where it has a tenth, and sometimes no row at all.
"""

from liftos.kernel.db.transactions import raw_cursor

# A visited element of the graph costs three rows of reading everything: it may waste half of what that takes.
ROWS_PER_VISIT = 6
EF_SEARCH = 100

# Reading the table from end to end reads the other organisations' rows, which row-level security then hides.
_WITHOUT_OTHERS = ("enable_seqscan",)
# Without joins by hash or merge, what the graph brings is looked up in the filters row by row; with them the filters'
# rows, which may be most of the organisation's, would be read first.
_ONLY_GRAPH = (
    "enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_material",
)  # fmt: skip


def plan_without_table_scan() -> None:
    """Have the statements that follow planned without reading the whole table."""
    _switch(_WITHOUT_OTHERS, "off")


def plan_with_table_scan() -> None:
    """Undo `plan_without_table_scan`."""
    _switch(_WITHOUT_OTHERS, None)


def _switch(settings: tuple[str, ...], value: str | None) -> None:
    """Set Postgres' settings until the transaction ends; None gives each the session's own value."""
    raw_cursor().execute(f"SELECT {_calls(settings)}", {"switch": value})


def plan_for_graph(documents: int) -> None:
    """Have the statements that follow planned for the graph, in an organisation of so many memories."""
    _settle(
        switch="off",
        order="relaxed_order",
        breadth=str(EF_SEARCH),
        most=str(documents // ROWS_PER_VISIT),
        # there is only one way left, and finding it anew each time takes a quarter of the search
        planned="force_generic_plan",
    )


def plan_as_usual() -> None:
    """Have the statements that follow planned by the session's own settings."""
    _settle(switch=None, order=None, breadth=None, most=None, planned=None)


def _settle(**values: str | None) -> None:
    """Set what a search in the graph needs, the plans that are not the graph's among it, in one statement."""
    statement = f"""
    SELECT {_calls(_ONLY_GRAPH)}, set_config('hnsw.iterative_scan', %(order)s, true),
           set_config('hnsw.ef_search', %(breadth)s, true), set_config('hnsw.max_scan_tuples', %(most)s, true),
           set_config('plan_cache_mode', %(planned)s, true)
    """
    raw_cursor().execute(statement, values)


def _calls(settings: tuple[str, ...]) -> str:
    return ", ".join(f"set_config('{name}', %(switch)s, true)" for name in settings)
