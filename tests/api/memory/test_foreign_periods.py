"""POST /api/v1/search for periods that a query names in another language."""

import pytest


@pytest.fixture
def dated(acme):
    for month in range(1, 7):
        acme.store(
            "Über die Preise wurde beschlossen", metadata={"date": f"2026-{month:02}-09", "month": month}
        )
    return acme


@pytest.mark.parametrize(
    ("query", "month"),
    [
        ("Was wurde im März 2026 über die Preise beschlossen?", 3),
        ("Qu'est-ce qui a été décidé en avril 2026 au sujet des prix ?", 4),
        ("¿Qué se decidió el 9 de mayo de 2026 sobre los precios?", 5),
        ("Was wurde am 09.02.2026 über die Preise beschlossen?", 2),
    ],
)
def test_a_period_in_another_language_leads_to_its_memories(dated, query, month):
    first = dated.search(query)[0]
    assert first["metadata"]["month"] == month
    assert first["terms"]["period"] > 0
