"""liftos/kernel/erasure: Postgres brings every row that quotes an erased text, whatever its form."""

import pytest

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.erasure.quotes import Quotes
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going, Person
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.operations import emit_many

TEXTS = [
    "The budget of Anna Berg is 4,711.00", "Ünïcode wörds für Änderungen", "one-word-only-here", "Überraschungsgeschenk", "yes", "東京の会議は中止になりました",
    "a line\nand\tanother",
]  # fmt: skip
NAMES = ["crm-77", "4711", "a-long-external-id-0001"]
QUOTING = [
    {"note": "he said: the BUDGET of anna berg is 4 711 00!"},
    {"note": "x\nthe\nbudget\tof\u0001anna\u001fberg\\is 4,711.00"},
    {"note": "prethe budget of anna berg is 4 711 00post"},
    {"deep": [{"reason": "u\u0308nïcode W\u00d6RDS f\u00fcr änderungen"}]},
    {"note": "some one_word_only_here, too"},
    {"note": "kein ÜBERRASCHUNGSGESCHENKE mehr"},
    {"query": "Yes!"},
    {"query": "\nyes"},
    {"note": "\uff08東京の会議は中止になりました\uff09"},
    {"note": "A LINE and another"},
    {"external_id": "crm_77"},
    {"external_id": "4711"},
    {"external_id": "4711é"} | {"note": "a long external id 0001"},
    {"a long external id 0001": 1},
]
OTHER = [{"note": "yes"}, {"external_id": "14711"}, {"note": "nothing of the kind"}, {"id": "crm-77"}]


@pytest.mark.parametrize("crowd", [0, 100])
def test_whatever_quotes_is_found_by_its_words(acme, crowd):
    texts = [*TEXTS, *(f"another text with word{each} in a crowd" for each in range(crowd))]
    quotes = Quotes(texts, NAMES)
    assert bool(quotes.words) is bool(crowd)
    place = Place("events_outboxevent", ("subject",), values=("data",))
    # a backslash that is one, before what might be a letter of JSON's
    values = [
        *QUOTING,
        {"note": "the\\budget of\\anna berg is 4,711.00"},
        {"note": "C:\\news: a line\\nand another"},
    ]
    assert all(quotes.in_value(value) for value in values[:-1])
    with tenant_transaction(acme.organisation):
        raw_cursor().execute("DELETE FROM events_outboxevent WHERE organisation_id = %s", [acme.organisation])
        events = [(str(number), value) for number, value in enumerate([*values, *OTHER])]
        emit_many(organisation=acme.organisation, type="liftos.test", events=events)
        going = Going(acme.organisation, (new_id(),), quotes, new_id(), Person())
        found = {int(row[0]) for row in quoting(going, place)}
    assert found == {number for number, value in enumerate([*values, *OTHER]) if quotes.in_value(value)}
    assert found >= set(range(len(QUOTING) + 1))
    assert not found & {len(values) + each for each in range(len(OTHER))}


def test_ids_are_no_quotes_unless_an_id_is_erased(acme):
    memory, other = new_id(), new_id()
    place = Place("events_outboxevent", ("subject",), values=("data",), ids=("memory_id",))
    events = [
        ("quoting", {"memory_id": str(other), "source": "the budget of Anna Berg"}),
        ("named", {"memory_id": str(memory), "source": "crm"}),
        ("plain", {"memory_id": str(other), "source": "crm"}),
    ]
    with tenant_transaction(acme.organisation):
        raw_cursor().execute("DELETE FROM events_outboxevent WHERE organisation_id = %s", [acme.organisation])
        emit_many(organisation=acme.organisation, type="liftos.test", events=events)

        def found(text):
            going = Going(acme.organisation, (memory,), Quotes([text]), new_id(), Person())
            return {row[0] for row in quoting(going, place)}

        assert found("The budget of Anna Berg") == {"quoting"}
        assert found("the budget of nobody") == set()
        # a text that is an id is found under the key of an id too
        assert found(str(memory)) == {"named"}
