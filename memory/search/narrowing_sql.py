"""Conditions beside metadata (memory/search/filter_types.py:Narrowing) as SQL."""

from decimal import Decimal
from typing import Any

from memory.analysis.attributes import TAG_KEY, number_key, tag_mark
from memory.analysis.entities import name_key
from memory.analysis.threads import KEYS
from memory.search.filter_types import ORDER, Narrowing
from memory.search.statements import IN_THREAD, MENTIONING, TAGGED

# an earlier text has no external id of its own
_NAMED_THEN = """
({row}.external_id = %(external_id)s OR {row}.head IN (
    SELECT h.id FROM memory_memory AS h WHERE h.organisation_id = %(organisation)s AND h.external_id = %(external_id)s
))
"""
_MENTIONED = """
EXISTS (SELECT 1 FROM memory_entity WHERE organisation_id = %(organisation)s AND key = %(entity)s AND memory_id = {row}.id OFFSET 0)
"""
_OF_THREAD = """
({row}.thread = %(thread)s OR {row}.thread = '' AND EXISTS (
    SELECT 1 FROM memory_attribute WHERE organisation_id = %(organisation)s AND memory_id = {row}.id AND key = ANY(%(thread_keys)s::text[])
    AND (text_value = %(thread_text)s OR number_key = %(thread_key)s::float8 AND number_value = %(thread_number)s::numeric) OFFSET 0
))
"""
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def set_tests(narrowing: Narrowing, column: str, parameters: dict[str, Any]) -> list[str]:
    """Return the tests that look memories up in other indexes by a column of memory ids; adds their parameters."""
    return [f"{column} IN ({rows.strip()})" for rows in narrowing_sets(narrowing, parameters)]


def narrowing_sets(narrowing: Narrowing, parameters: dict[str, Any]) -> list[str]:
    """Return SELECTs of memory ids, each of which has all that pass one condition; adds their parameters."""
    sets = []
    for name, values in _tags(narrowing).items():
        parameters |= {name: [tag_mark(each) for each in values], "tag_key": TAG_KEY}
        sets.append(TAGGED.format(name=name))
    if narrowing.entity:
        parameters["entity"] = name_key(narrowing.entity)
        sets.append(MENTIONING)
    if narrowing.thread:
        parameters |= _thread(narrowing.thread)
        sets.append(IN_THREAD)
    return sets


def probe_tests(narrowing: Narrowing, row: str, parameters: dict[str, Any]) -> list[str]:
    """Return the same tests as `set_tests`, each made for one row of memory_memory at a time; adds their parameters."""
    tests = []
    for name, values in _tags(narrowing).items():
        parameters[name] = list(values)
        tests.append(f"{row}.tags::text[] && %({name})s::text[]")
    if narrowing.entity:
        parameters["entity"] = name_key(narrowing.entity)
        tests.append(_MENTIONED.format(row=row))
    if narrowing.thread:
        parameters |= _thread(narrowing.thread)
        tests.append(_OF_THREAD.format(row=row))
    return tests


def _tags(narrowing: Narrowing) -> dict[str, tuple[str, ...]]:
    """Return the tags of which a memory must have one each, by the name of a parameter."""
    wanted = dict.fromkeys((*narrowing.all_tags, *(narrowing.exact_tags or ())))
    tags = {"any_tags": narrowing.any_tags} if narrowing.any_tags else {}
    return tags | {f"tagged{number}": (tag,) for number, tag in enumerate(wanted)}


def _thread(thread: str) -> dict[str, Any]:
    number = Decimal(thread) if thread.isascii() and thread.isdigit() else None
    return {
        "thread": thread,
        "thread_text": f"s{thread}",
        "thread_number": number,
        "thread_key": None if number is None else number_key(number),
        "thread_keys": list(KEYS),
    }


def row_tests(narrowing: Narrowing, row: str, parameters: dict[str, Any], *, past: bool) -> list[str]:
    """Return the tests of columns of a memory's row, whose SQL name is given; adds their parameters.

    `text` has no index: each memory that passes the other tests is read. `past`: earlier texts may be asked for.
    """
    tests = []
    if narrowing.exact_tags is not None:
        parameters["exact_tags"] = list(narrowing.exact_tags)
        tests.append(f"{row}.tags::text[] <@ %(exact_tags)s::text[]")
    if narrowing.thread == "":
        tests.append(f"{row}.thread_id IS NULL")
    if narrowing.source is not None:
        parameters["source"] = narrowing.source
        tests.append(f'{row}.source COLLATE "C" = %(source)s')
    if narrowing.source_prefix:
        parameters |= {
            "source_from": narrowing.source_prefix,
            "source_until": f"{narrowing.source_prefix}\U0010ffff",
        }
        tests.append(
            f'{row}.source COLLATE "C" >= %(source_from)s AND {row}.source COLLATE "C" < %(source_until)s'
        )
    if narrowing.external_id:
        parameters["external_id"] = narrowing.external_id
        tests.append((_NAMED_THEN if past else "{row}.external_id = %(external_id)s").format(row=row))
    if narrowing.text:
        parameters["text"] = f"%{narrowing.text.translate(_ESCAPED)}%"
        tests.append(f"{row}.content ILIKE %(text)s")
    for number, each in enumerate(narrowing.times):
        column = f"{row}.{each.field}"
        if each.moment is None:
            tests.append(f"{column} IS {'NOT ' if each.operator == 'ne' else ''}NULL")
            continue
        parameters[f"moment{number}"] = each.moment
        sign = {"eq": "=", "ne": "IS DISTINCT FROM"}.get(each.operator) or ORDER[each.operator]
        tests.append(f"{column} {sign} %(moment{number})s")
    return tests
