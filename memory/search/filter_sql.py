"""Filters as an SQL condition on a column of memory ids, for use in any statement of a search."""

from typing import Any

from liftos.kernel.db.binary import UuidArray
from memory.ports import scope
from memory.search.attribute_sql import attribute_probes, attribute_tests
from memory.search.narrowing_sql import probe_tests, row_tests, set_tests
from memory.search.types import SearchRequest
from memory.types import LIVING, VISIBLE, TrustState

# Hidden memories are few and have a partial index (memory_not_plain), so exclude those rather than look up all others.
_HIDDEN = """
memory_memory AS hidden WHERE hidden.organisation_id = %(organisation)s
    AND (hidden.state <> 'active' OR hidden.expires_at IS NOT NULL OR hidden.head IS NOT NULL OR hidden.embedding = 'none')
    AND (hidden.head IS NOT NULL OR NOT ({believed}))
"""
_NOT_HIDDEN = f"NOT EXISTS (SELECT 1 FROM {_HIDDEN} AND hidden.id = {{column}})"
# Force one hashed read: the planner underestimates row counts and would probe for each of 100,000 rows (2.8 us instead of 0.3).
_NONE_OF_HIDDEN = f"{{column}} NOT IN (SELECT hidden.id FROM {_HIDDEN})"
_BELIEVED_NOW = """
EXISTS (
    SELECT 1 FROM memory_memory AS now_so WHERE now_so.organisation_id = %(organisation)s AND now_so.id = {column}
    AND now_so.head IS NULL AND {believed}
)
"""
# A row's text belongs to the versions from `text_version` to `version`. For a memory's own row the last of these is the current
# version, which is not in memory_memoryversion.
_BELIEVED_THEN = """
EXISTS (
    SELECT 1 FROM memory_memory AS said WHERE said.organisation_id = %(organisation)s AND said.id = {column} AND {shows} AND (
        (said.head IS NULL AND said.changed_at <= %(known_at)s AND {present})
        OR EXISTS (
            SELECT 1 FROM memory_memoryversion AS ended
            WHERE ended.organisation_id = %(organisation)s AND ended.memory_id = coalesce(said.head, said.id)
            AND ended.version BETWEEN said.text_version AND said.version
            AND ended.known_from <= %(known_at)s AND ended.known_to > %(known_at)s AND {past}
        )
    )
)
"""
_SHOWS = "{row}.embedding <> 'none'"
_OF_ROW = """
EXISTS (
    SELECT 1 FROM memory_memory AS of_row WHERE of_row.organisation_id = %(organisation)s AND of_row.id = {column} AND {tests}
)
"""


def where(
    request: SearchRequest, column: str, *, of_many: bool = False, blank: bool = False
) -> tuple[str, dict[str, Any]]:
    """Return an SQL condition for memories that pass a request's filters, and its parameters.

    The statement needs the further parameter `organisation`.

    Args:
        request: the search.
        column: SQL name of the memory id to test.
        of_many: whether a large part of the organisation's memories will be tested.
        blank: whether blank memories pass; lists include them, searches don't.
    """
    parameters: dict[str, Any] = {}
    parts = [_believed(request, column, parameters, of_many=of_many, blank=blank)]
    if request.memory_type is not None:
        parts.append(
            f"{column} IN (SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s "
            "AND memory_type = %(memory_type)s)"
        )
        parameters["memory_type"] = request.memory_type
    if request.members_of is not None:
        parts.append(scope().test(column))
        parameters["members_of"] = request.members_of
    parts += _exact_tests(request, column, parameters)
    parts += set_tests(request.narrowing, column, parameters)
    row = _row_tests(request, "of_row", parameters)
    if row:
        parts.append(_OF_ROW.format(column=column, tests=" AND ".join(row)))
    parts += attribute_tests(request.conditions, column, parameters)
    return " AND ".join(parts), parameters


def where_row(
    request: SearchRequest, row: str, *, any_state: bool = False, blank: bool = True, one_by_one: bool = False
) -> tuple[str, dict[str, Any]]:
    """Return an SQL condition for rows of memory_memory that pass a request's filters, and its parameters.

    For lists, which read the rows anyway. The statement needs the further parameter `organisation`.

    Args:
        request: the filters; its query is ignored.
        row: SQL name of the row to test.
        any_state: whether memories in every trust state pass, expired ones too.
        blank: whether blank memories pass; lists include them, searches don't.
        one_by_one: whether few rows will be tested, so that other indexes are asked about each of them; not with `known_at`.
    """
    parameters: dict[str, Any] = {}
    column = f"{row}.id"
    if any_state:
        parts = [f"{row}.head IS NULL"]
    elif request.known_at is not None:
        parts = [_believed(request, column, parameters, of_many=False, blank=blank)]
    else:
        states = _believable(request, parameters)
        parts = [f"{row}.head IS NULL", _test_of(row, "now()", request, blank=blank)]
        if TrustState.ACTIVE not in states:
            # the planner then knows that memory_not_plain has all of them
            parts.append(f"{row}.state <> 'active'")
    if request.memory_type is not None:
        parts.append(f"{row}.memory_type = %(memory_type)s")
        parameters["memory_type"] = request.memory_type
    if request.members_of is not None:
        parts.append(scope().test(column))
        parameters["members_of"] = request.members_of
    if one_by_one:
        parts += probe_tests(request.narrowing, row, parameters)
        parts += _row_tests(request, row, parameters)
        parts += attribute_probes(request.conditions, column, parameters)
    else:
        parts += set_tests(request.narrowing, column, parameters)
        parts += _row_tests(request, row, parameters)
        parts += attribute_tests(request.conditions, column, parameters)
    return " AND ".join(parts), parameters


def _exact_tests(request: SearchRequest, column: str, parameters: dict[str, Any]) -> list[str]:
    """Return the tests of a query's phrases and exclusions."""
    tests = []
    if request.only is not None:
        parameters["only"] = UuidArray(request.only)
        tests.append(f"{column} = ANY(%(only)s)")
    if request.never:
        parameters["never"] = UuidArray(request.never)
        # not <> ALL, which compares one by one
        tests.append(f"{column} NOT IN (SELECT unnest(%(never)s::uuid[]))")
    return tests


def _row_tests(request: SearchRequest, row: str, parameters: dict[str, Any]) -> list[str]:
    """Return the tests of columns of the memory's row."""
    tests = row_tests(request.narrowing, row, parameters, past=request.known_at is not None)
    for number, tag in enumerate(request.tags):
        parameters[f"tag{number}"] = tag
        # not @>, which is not leakproof and would be evaluated for every row of the organisation
        tests.append(f"%(tag{number})s = ANY({row}.tags)")
    for name, sign in (("happened_from", ">="), ("happened_until", "<=")):
        if getattr(request, name) is not None:
            parameters[name] = getattr(request, name)
            tests.append(f"{row}.happened_at {sign} %({name})s")
    return tests


def _believed(
    request: SearchRequest, column: str, parameters: dict[str, Any], *, of_many: bool, blank: bool
) -> str:
    """Return the test of trust states and times."""
    states = _believable(request, parameters)
    if request.known_at is not None:
        parameters["known_at"] = request.known_at
        present, past = (_test_of(row, "%(known_at)s", request) for row in ("said", "ended"))
        shows = "true" if blank else _SHOWS.format(row="said")
        return _BELIEVED_THEN.format(column=column, present=present, past=past, shows=shows)
    if request.as_of is None and TrustState.ACTIVE in states:
        test = _NONE_OF_HIDDEN if of_many else _NOT_HIDDEN
        return test.format(column=column, believed=_test_of("hidden", "now()", request, blank=blank))
    return _BELIEVED_NOW.format(column=column, believed=_test_of("now_so", "now()", request, blank=blank))


def _believable(request: SearchRequest, parameters: dict[str, Any]) -> set[TrustState]:
    """Return the trust states that pass. With `as_of`, superseded memories do: they were true at their time."""
    states = set(request.states or VISIBLE)
    if request.as_of is not None and request.states is None:
        states.add(TrustState.SUPERSEDED)
    parameters |= {"states": sorted(states), "living": list(LIVING)}
    if request.as_of is not None:
        parameters["as_of"] = request.as_of
    return states


def _test_of(row: str, moment: str, request: SearchRequest, *, blank: bool = True) -> str:
    # expired memories are excluded even before the sweep marks them
    test = (
        f"{row}.state = ANY(%(states)s::text[]) AND ({row}.expires_at IS NULL OR {row}.expires_at > {moment} "
        f"OR {row}.state <> ALL(%(living)s::text[]))"
    )
    if request.as_of is not None:
        test += (
            f" AND ({row}.valid_from IS NULL OR {row}.valid_from <= %(as_of)s)"
            f" AND ({row}.valid_to IS NULL OR {row}.valid_to > %(as_of)s)"
        )
    return test if blank else f"{test} AND {_SHOWS.format(row=row)}"
