"""Metadata filters as SQL: every tree of conditions is one set of memory ids, to be in or not to be in, or a test of one memory."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from memory.analysis.attributes import LONG, number_key, scalar_of
from memory.search.filter_types import ORDER, TEXTUAL, Condition, Filter
from memory.search.statements import ATTRIBUTE_PROBE, ATTRIBUTE_ROWS

SELECTIVE = frozenset({"eq", "in", "gt", "gte", "lt", "lte", "startswith"})
SCANNED = frozenset(TEXTUAL) - SELECTIVE
"""Operators that read every value of a key."""
# beyond every text with the prefix: the last code point
_LAST = "\U0010ffff"
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
# A text over 200 characters is indexed by its first 201 alone: the memory itself has the rest. Of a list it is the JSON.
_WHOLE = """
(length(text_value) > %(long)s AND EXISTS (
    SELECT 1 FROM memory_memory AS whole WHERE whole.organisation_id = %(organisation)s AND whole.id = memory_id
    AND coalesce(whole.metadata #>> string_to_array({key}, '.'), whole.metadata ->> {key}) {match} {whole}
))
"""

Signed = tuple[str, bool]
"""A SELECT of memory ids, and whether a memory must be absent from it."""


def attribute_tests(filters: Sequence[Filter], column: str, parameters: dict[str, Any]) -> list[str]:
    """Return the SQL tests of filters on a column of memory ids; adds their parameters."""
    tests = []
    for each in filters:
        selected, negated = _compiled(each, parameters)
        tests.append(f"{column} {'NOT ' if negated else ''}IN ({selected})")
    return tests


def attribute_probes(filters: Sequence[Filter], column: str, parameters: dict[str, Any]) -> list[str]:
    """Return the same tests as `attribute_tests`, each made for one memory at a time; adds their parameters."""
    return [_probe(each, column, parameters) for each in filters]


def selective_sets(filters: Sequence[Filter], parameters: dict[str, Any]) -> list[str]:
    """Return SELECTs of memory ids, each of all that pass a condition whose matches lie together in an index; adds their parameters."""
    return _sets(filters, SELECTIVE, parameters)


def textual_sets(filters: Sequence[Filter], parameters: dict[str, Any]) -> list[str]:
    """Return SELECTs of memory ids, each of all that pass a condition on a part of a text; adds their parameters."""
    return _sets(filters, SCANNED, parameters)


def _sets(filters: Sequence[Filter], operators: frozenset[str], parameters: dict[str, Any]) -> list[str]:
    sets = []
    for each in filters:
        if isinstance(each, Condition):
            if each.operator in operators:
                sets.append(_rows(each, parameters)[0])
        elif each.join == "and":
            sets += _sets(each.parts, operators, parameters)
    return sets


def _probe(each: Filter, column: str, parameters: dict[str, Any]) -> str:
    if isinstance(each, Condition):
        number, test, negated = _numbered_test(each, parameters)
        probe = ATTRIBUTE_PROBE.format(column=column, key=f"%(key{number})s", test=test).strip()
        return f"NOT {probe}" if negated else probe
    joined = (" AND " if each.join == "and" else " OR ").join(
        _probe(part, column, parameters) for part in each.parts
    )
    return f"NOT ({joined})" if each.join == "not" else f"({joined})"


def _compiled(each: Filter, parameters: dict[str, Any]) -> Signed:
    if isinstance(each, Condition):
        return _rows(each, parameters)
    parts = [_compiled(part, parameters) for part in each.parts]
    if each.join == "and":
        return _all_of(parts)
    # at least one holds unless none does; none holds if the opposite of each does
    selected, negated = _all_of([(part, not negated) for part, negated in parts])
    return selected, negated if each.join == "not" else not negated


def _all_of(parts: Sequence[Signed]) -> Signed:
    wanted = [selected for selected, negated in parts if not negated]
    unwanted = [selected for selected, negated in parts if negated]
    if not wanted:
        return _joined("UNION ALL", unwanted), True
    if not unwanted:
        return _joined("INTERSECT", wanted), False
    return _joined("EXCEPT", [_joined("INTERSECT", wanted), _joined("UNION ALL", unwanted)]), False


def _joined(operator: str, selects: Sequence[str]) -> str:
    return selects[0] if len(selects) == 1 else f" {operator} ".join(f"({each})" for each in selects)


def _rows(condition: Condition, parameters: dict[str, Any]) -> Signed:
    number, test, negated = _numbered_test(condition, parameters)
    return ATTRIBUTE_ROWS.format(key=f"%(key{number})s", test=test), negated


def _numbered_test(condition: Condition, parameters: dict[str, Any]) -> tuple[int, str, bool]:
    number = sum(1 for name in parameters if name.startswith("key"))
    parameters[f"key{number}"] = condition.key
    return number, *_test(condition, number, parameters)


def _test(condition: Condition, number: int, parameters: dict[str, Any]) -> Signed:
    """Return the test of an attribute row, and whether memories with a match are excluded."""
    if condition.operator == "exists":
        return "true", not condition.values[0]
    if condition.operator in TEXTUAL:
        return _textual_test(condition, number, parameters), False
    if condition.operator in ORDER:
        return _order_test(condition, number, parameters), False
    scalars = [scalar_of(value) for value in condition.values]
    texts = [text for text, _ in scalars if text is not None]
    numbers = [value for _, value in scalars if value is not None]
    # test only the columns needed: an OR of both can't use either index alone
    tests = []
    if texts:
        parameters[f"texts{number}"] = texts
        tests.append(f"text_value = ANY(%(texts{number})s::text[])")
    if numbers:
        parameters |= {f"numbers{number}": numbers, f"near{number}": [number_key(each) for each in numbers]}
        tests.append(
            f"(number_key = ANY(%(near{number})s::float8[]) AND number_value = ANY(%(numbers{number})s::numeric[]))"
        )
    test = f"({' OR '.join(tests) or 'false'})"
    return test, condition.operator in {"ne", "nin"}


def _textual_test(condition: Condition, number: int, parameters: dict[str, Any]) -> str:
    """Return a test of texts. All but a prefix read every value of the key, in the index."""
    value = condition.values[0]
    if condition.operator == "startswith":
        parameters |= {f"from{number}": f"s{value}", f"until{number}": f"s{value}{_LAST}"}
        return f"text_value >= %(from{number})s AND text_value < %(until{number})s"
    # texts have the prefix "s"
    pattern = value if condition.operator == "like" else f"%{value.translate(_ESCAPED)}%"
    parameters |= {f"pattern{number}": f"s{pattern}", f"whole{number}": pattern, "long": LONG + 1}
    match = 'COLLATE "default" ILIKE' if condition.operator == "icontains" else "LIKE"
    whole = _WHOLE.format(key=f"%(key{number})s::text", match=match, whole=f"%(whole{number})s")
    return f"text_value >= 's' AND text_value < 't' AND (text_value {match} %(pattern{number})s OR {whole.strip()})"


def _order_test(condition: Condition, number: int, parameters: dict[str, Any]) -> str:
    bound, sign = condition.values[0], ORDER[condition.operator]
    if not isinstance(bound, str):
        value = Decimal(str(bound))
        parameters |= {f"bound{number}": value, f"near{number}": number_key(value)}
        # numbers that differ may have one key
        return f"number_key {sign[0]}= %(near{number})s::float8 AND number_value {sign} %(bound{number})s::numeric"
    parameters[f"bound{number}"] = f"s{bound}"
    # texts have the prefix "s": keep the range within it
    return f"text_value {sign} %(bound{number})s AND text_value >= 's' AND text_value < 't'"
