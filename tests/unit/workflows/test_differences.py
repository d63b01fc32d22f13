from dataclasses import replace

from workflows.definition import Definition, Step
from workflows.publishing.differences import differences

FIND = Step("find", "memory.search", arguments={"query": "{topic}", "limit": 5})
KEEP = Step("keep", "memory.store", arguments={"content": "x"}, depends_on=("find",))
BEFORE = Definition("digest", "", {"type": "object"}, (FIND, KEEP))


def told(after):
    return [
        (each.step, each.field, each.before, each.after, each.kind) for each in differences(BEFORE, after)
    ]


def test_equal_templates_have_no_differences():
    assert told(BEFORE) == []


def test_template_fields_come_first():
    after = replace(BEFORE, name="weekly digest", parameters={"type": "object", "properties": {"topic": {}}})
    assert told(after) == [
        (None, "name", "digest", "weekly digest", "changed"),
        (None, "parameters", {"type": "object"}, {"type": "object", "properties": {"topic": {}}}, "changed"),
    ]


def test_added_and_removed_steps():
    tell = Step("tell", "http.request")
    assert told(replace(BEFORE, steps=(FIND, tell))) == [
        ("tell", "", None, "http.request", "added"),
        ("keep", "", "memory.store", None, "removed"),
    ]


def test_fields_and_single_arguments():
    found = replace(FIND, arguments={"query": "{topic}", "limit": "5", "recency": 1}, priority=1)
    kept = replace(KEEP, depends_on=(), version=2)
    assert told(replace(BEFORE, steps=(found, kept))) == [
        ("find", "arguments.limit", 5, "5", "changed"),
        ("find", "arguments.recency", None, 1, "changed"),
        ("find", "priority", 3, 1, "changed"),
        ("keep", "depends_on", ["find"], [], "changed"),
    ]


def test_the_version_of_a_function_differs_only_where_both_name_one():
    def version(before, after):
        whole = [replace(BEFORE, steps=(replace(FIND, version=number),)) for number in (before, after)]
        return [(each.before, each.after) for each in differences(*whole)]

    assert version(1, None) == version(None, 2) == version(1, 1) == []
    assert version(1, 2) == [(1, 2)]
