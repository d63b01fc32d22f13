"""Facts that short texts state, and doubles by words."""

import pytest

from memory.analysis.facts import facts_of
from memory.care.doubles import confidence_of_double, words_of

REPLACED = [
    ("The CEO of Acme is Ann Smith.", "Acme appointed Bob Jones as its new chief executive."),
    ("Acme's CEO is Ann Smith", "Bob Jones is now CEO of Acme"),
    ("Ann Smith is the CEO of Acme.", "Bob Jones took over as CEO of Acme in March"),
    ("The winter boots cost 89 euros.", "We now sell the winter boots for 79 euros."),
    ("Price of the rain jacket: 120 EUR", "The rain jacket is now priced at €110"),
    ("The Atlas project is due on 3 May.", "The deadline for Atlas was moved to 17 May."),
    ("Atlas launches on 3 May", "The launch of Atlas has been postponed to 10 June"),
    ("Ann owns the Nordlicht account.", "The Nordlicht account was handed over to Bob."),
    ("The spring campaign is paused.", "The spring campaign is live again."),
    ("Our return window is 30 days.", "Our return window is 60 days as of January"),
    ("Globex is headquartered in Lisbon.", "Globex moved its headquarters to Porto."),
    ("The budget of the Nordlicht campaign is 5,000 euros.", "The Nordlicht campaign's budget was raised from 5,000 to 7,500 euros."),
    ("The status of ticket 4711 is open.", "Ticket 4711 is resolved."),
    ("The data team has a headcount of 8 people.", "Team size of the data team is 11 people."),
    ("Lena's favourite colour is blue", "Lena's favourite colour is green"),
    ("Warehouse B's capacity is 400 pallets.", "The capacity of Warehouse B was increased to 550 pallets."),
    ("The monthly fee for the Pro plan is $49", "The Pro plan now costs $59 per month"),
    ("The contract with Initech expires on 31 December 2024.", "The contract with Initech was extended until 30 June 2025."),
    ("Priya leads Project Hermes.", "Jonas took over Project Hermes from Priya."),
    ("Delivery to Spain takes 5 days", "Delivery to Spain takes 3 days"),
]  # fmt: skip
NOTHING = [
    "Customer 17 bought boots in Lisbon", "The meeting with Ann was good", "We might raise the price of boots to 90 euros", "The order total is 45 euros",
    "Is the CEO of Acme Ann?", "Revenue of store 12 was 5,000 in March", "The CEO of Acme is a vegetarian", "The CEO of Acme was Ann Smith",
    "Bob is no longer the CEO of Acme", "It costs 5 euros", "A customer of Acme is Globex", "x" * 400, "", "...",
]  # fmt: skip
APART = [
    ("The CEO of Acme is Ann Smith.", "The CEO of Globex is Bob Jones."), ("The CEO of Acme is Ann Smith.", "The CFO of Acme is Bob Jones."),
    ("The CEO of Acme is Ann.", "The CEO of Acme is Ann Smith."), ("The launch is on 3 May.", "The launch is on 3 May 2025."),
    ("The boots cost 89 euros.", "The boots cost 95 dollars."), ("The winter boots cost 89 euros.", "The summer boots cost 79 euros."),
    ("The boots cost 1,000 euros", "The boots cost 1000 EUR"), ("Ann owns the Atlas account.", "Bob leads the Atlas account."),
]  # fmt: skip


def replaces(earlier, later):
    return any(
        new.key == old.key and new.value.replaces(old.value)
        for old in facts_of(earlier)
        for new in facts_of(later)
    )


@pytest.mark.parametrize(("earlier", "later"), REPLACED)
def test_a_later_value_replaces_an_earlier_one(earlier, later):
    assert replaces(earlier, later)
    assert replaces(later, earlier)


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_stated(text):
    assert facts_of(text) == []


@pytest.mark.parametrize(("earlier", "later"), APART)
def test_other_subjects_attributes_units_and_the_same_more_precisely_replace_nothing(earlier, later):
    assert not replaces(earlier, later)


def test_doubles_need_the_same_figures_names_negations_and_most_words():
    def double(one, other, cosine=0.96):
        return confidence_of_double(words_of(one), words_of(other), cosine) is not None

    said = "The boots sold well in Lisbon before the holidays"
    assert double(said, "Before the holidays the boots sold well in Lisbon!")
    assert double(said, "The boots were selling well in Lisbon before the holidays")
    assert not double(said, "The boots sold well in Porto before the holidays")
    assert not double(said, "The boots sold well in Lisbon after the holidays")
    assert not double(said, "The boots never sold well in Lisbon before the holidays")
    assert not double("Order 17 has arrived at the store", "Order 18 has arrived at the store")
    assert not double("In the end Ann reports to Bob", "In the end Bob reports to Ann")
    assert not double(said, "The boots sold well in Lisbon before the holidays", cosine=0.5)
