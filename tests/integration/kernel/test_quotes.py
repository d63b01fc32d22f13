"""liftos/kernel/erasure: Postgres brings every row that quotes an erased text, whatever its form."""

import json

import pytest
from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.erasure.quotes import Quotes
from liftos.kernel.erasure.sweep import Place, quoting
from liftos.kernel.erasure.types import Going, Person
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.operations import emit_many

_MATCHES = """
SELECT CASE WHEN octet_length(it) = length(it) THEN lower(it) ELSE lower(normalize(it, NFKC)) END ~ %s FROM (SELECT to_jsonb(%s::jsonb)::text) AS s(it)
"""
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
@pytest.mark.django_db
def test_whatever_quotes_matches_the_pattern(crowd):
    quotes = Quotes([*TEXTS, *(f"another text of number {each} in a crowd" for each in range(crowd))], NAMES)
    with connection.cursor() as cursor:
        for value in QUOTING:
            assert quotes.in_value(value), value
            cursor.execute(_MATCHES, [quotes.pattern, json.dumps(value)])
            assert cursor.fetchone() == (True,), value
    assert not any(quotes.in_value(value) for value in OTHER)


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
