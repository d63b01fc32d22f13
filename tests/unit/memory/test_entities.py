# ruff: noqa: RUF001  texts in many scripts
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.analysis.entities import MAX_NAMES, entities_of, name_key, names_in


@pytest.mark.parametrize(
    ("content", "metadata", "wanted"),
    [
        ("Anna: we start in May", {}, {"anna": "actor"}),
        ("Project Manager: hello", {}, {"project manager": "actor"}),
        ("hello", {"speaker": "Ben"}, {"ben": "actor"}),
        ("hello", {"campaign": "Nordlicht", "channel": ["TV", "Radio"]}, {"nordlicht": "campaign", "tv": "channel", "radio": "channel"}),
        ("We met Clara there", {}, {"clara": "name"}),
        ("Black Friday was good", {}, {"black friday": "name"}),
        ("Sales rose. They fell later", {}, {}),
        ("ask @mia about #retargeting", {}, {"mia": "name", "retargeting": "name"}),
        ("Anna: Anna's team", {"campaign": "ANNA"}, {"anna": "actor"}),
        ("at 10:30 note: fine", {}, {}),
        ("", {"speaker": 7, "campaign": None, "channel": [1, {}]}, {}),
    ],
)  # fmt: skip
def test_entities(content, metadata, wanted):
    assert entities_of(content, metadata) == wanted


def test_query_names_match_entity_keys():
    names = names_in("Did the Black  Friday campaign pay off for Clara's team?")
    assert {"black friday", "clara"} <= set(names)
    assert name_key("Clara\u2019s") == name_key("CLARA") == "clara"


def test_a_memory_has_a_bounded_number_of_entities():
    assert len(entities_of(" ".join(f"met Name{number}" for number in range(500)), {})) == MAX_NAMES


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("Łukasz Żak: zaczynamy w maju", {"łukasz żak": "actor"}),
        ("สมชาย: เริ่มพฤษภาคม", {"สมชาย": "actor"}),
        ("田中：五月に始めます", {"田中": "actor"}),
        ("мы видели Анну Петрову там", {"анну петрову": "name"}),
        ("I met Zoe\u0308 Straße there", {"zoë strasse": "name"}),
        ("we saw O\u02bcBrien there", {"o'brien": "name"}),
        ("Es war gut。Gestern", {}),
    ],
)
def test_names_in_other_scripts_and_spellings(content, wanted):
    assert entities_of(content, {}) == wanted


def test_a_question_with_elided_or_suffixed_names_names_them():
    assert "anna" in names_in("Que dit le chef d'Anna ?")
    assert "istanbul" in names_in("İstanbul\u2019daki atölye nerede?")
    assert "o'brien" in names_in("What did O\u2019Brien sign?")


@given(st.text(max_size=300), st.dictionaries(st.text(max_size=10), st.text(max_size=100), max_size=5))
def test_any_text_is_parsed(content, metadata):
    found = entities_of(content, metadata)
    assert all(key and len(key) <= 80 for key in found)
    assert all(name for name in names_in(content))
