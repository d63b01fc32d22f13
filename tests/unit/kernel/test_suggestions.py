"""Suggestions for unknown names."""

import time

import pytest

from liftos.kernel.suggestions import MAX_COMPARED, did_you_mean, nearest, suggestion, unknown

FIELDS = ["limit", "cursor", "memory_type", "external_id", "expires_at", "valid_from", "valid_to", "tags"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("limt", "limit"), ("LIMIT", "limit"), ("expires", "expires_at"), ("memory_typ", "memory_type"), ("memoryType", "memory_type"),
     ("extrenal_id", "external_id"), ("memory-type", "memory_type"), (" tags ", "tags"), ("tag", "tags"), ("valid_form", "valid_from")],
)  # fmt: skip
def test_typo_suggests_the_intended_name(name, meant):
    assert nearest(name, FIELDS) == [meant]
    assert unknown("field", name, FIELDS) == f"Unknown field '{name}'; did you mean '{meant}'?"


@pytest.mark.parametrize("name", ["zebra", "", "_", "日本語", "user_id"])
def test_dissimilar_name_lists_the_known_ones(name):
    assert nearest(name, FIELDS) == []
    assert did_you_mean(name, FIELDS) == f"; known: {', '.join(FIELDS)}."


def test_the_nearest_come_first():
    assert nearest("valid_too", FIELDS, limit=5)[0] == "valid_to"
    assert nearest("valid", FIELDS, limit=5) == ["valid_from", "valid_to"]


def test_long_or_empty_lists_are_not_printed():
    assert did_you_mean("zebra", []) == "."
    assert did_you_mean("zebra", [f"name{number}" for number in range(21)]) == "."


def test_very_long_name_is_truncated_cheaply():
    began = time.monotonic()
    said = unknown("field", "limit" * 200_000, FIELDS)
    assert time.monotonic() - began < 0.5
    assert len(said) < 300


def test_number_of_compared_names_is_bounded():
    compared = []

    def known():
        for number in range(100_000):
            compared.append(number)
            yield f"name{number}"

    nearest("nmae1", known())
    assert len(compared) <= MAX_COMPARED + 1


def test_a_suggestion_ends_a_sentence_either_way():
    assert suggestion("limt", FIELDS) == "; did you mean 'limit'?"
    assert (suggestion("zebra", FIELDS), suggestion("zebra", FIELDS, ".")) == ("", ".")
