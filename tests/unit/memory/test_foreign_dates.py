# ruff: noqa: RUF001  words of other languages
"""Periods named in other languages, and numeric dates."""

from datetime import UTC, datetime

import pytest

from memory.analysis.foreign_dates import LANGUAGES
from memory.analysis.languages import language_of
from memory.analysis.periods import Period, asks_when, periods_in
from memory.analysis.questions import is_question

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
MAY = Period(datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC))
THIRD = Period(datetime(2023, 5, 3, tzinfo=UTC), datetime(2023, 5, 4, tzinfo=UTC))
YEAR = Period(datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
QUARTER = Period(datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 10, 1, tzinfo=UTC))
YESTERDAY = Period(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
LAST_WEEK = Period(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
LAST_MONTH = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
LAST_YEAR = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
THIS_WEEK = Period(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))
EVERY_MAY = Period(month=5)

# day, month and year; month and year; month; year; quarter; yesterday; last week, month, year; this week; three weeks ago
SAID = {
    "de": (
        "am 3. Mai 2023", "im Mai 2023", "im Mai", "im Jahr 2023", "im 3. Quartal 2023", "gestern", "letzte Woche", "letzten Monat",
        "letztes Jahr", "diese Woche", "vor drei Wochen",
    ),
    "fr": (
        "le 3 mai 2023", "en mai 2023", "en mai", "en 2023", "au 3e trimestre 2023", "hier", "la semaine dernière", "le mois dernier",
        "l'année dernière", "cette semaine", "il y a trois semaines",
    ),
    "es": (
        "el 3 de mayo de 2023", "en mayo de 2023", "en mayo", "en 2023", "en el 3º trimestre de 2023", "ayer", "la semana pasada",
        "el mes pasado", "el año pasado", "esta semana", "hace tres semanas",
    ),
    "it": (
        "il 3 maggio 2023", "a maggio 2023", "a maggio", "nel 2023", "nel 3° trimestre 2023", "ieri", "la settimana scorsa",
        "il mese scorso", "l'anno scorso", "questa settimana", "tre settimane fa",
    ),
    "pt": (
        "em 3 de maio de 2023", "em maio de 2023", "em maio", "em 2023", "no 3º trimestre de 2023", "ontem", "na semana passada",
        "no mês passado", "no ano passado", "esta semana", "há três semanas",
    ),
    "nl": (
        "op 3 mei 2023", "in mei 2023", "in mei", "in 2023", "in het 3e kwartaal 2023", "gisteren", "vorige week", "vorige maand",
        "vorig jaar", "deze week", "drie weken geleden",
    ),
    "pl": (
        "3 maja 2023", "w maju 2023", "w maju", "w 2023", "w 3. kwartale 2023", "wczoraj", "w zeszłym tygodniu", "w zeszłym miesiącu",
        "w zeszłym roku", "w tym tygodniu", "trzy tygodnie temu",
    ),
    "ru": (
        "3 мая 2023", "в мае 2023", "в мае", "в 2023", "в 3 квартале 2023", "вчера", "на прошлой неделе", "в прошлом месяце",
        "в прошлом году", "на этой неделе", "три недели назад",
    ),
    "sv": (
        "den 3 maj 2023", "i maj 2023", "i maj", "i år 2023 och under 2023", "i 3:e kvartalet 2023", "igår", "förra veckan", "förra månaden",
        "förra året", "denna vecka", "för tre veckor sedan",
    ),
    "tr": (
        "3 Mayıs 2023", "Mayıs 2023'te", "Mayıs'ta", "2023 yılında", "3. çeyrek 2023", "dün", "geçen hafta", "geçen ay", "geçen yıl", "bu hafta",
        "üç hafta önce",
    ),
}  # fmt: skip
EXPECTED = (THIRD, MAY, EVERY_MAY, YEAR, QUARTER, YESTERDAY, LAST_WEEK, LAST_MONTH, LAST_YEAR, THIS_WEEK)
CASES = [
    (language, said, expected)
    for language, every in SAID.items()
    for said, expected in zip(every[:-1], EXPECTED, strict=True)
]


@pytest.mark.parametrize(("language", "said", "expected"), CASES)
def test_a_period_is_read(language, said, expected):
    assert expected in periods_in(said, NOW, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_weeks_ago(language):
    [period] = periods_in(SAID[language][-1], NOW, language)
    assert period.share(datetime(2026, 11, 4, tzinfo=UTC)) == 1
    assert period.share(datetime(2026, 11, 24, tzinfo=UTC)) == 0


QUESTIONS = {
    "Was haben wir im März 2026 über die Preise beschlossen?": datetime(2026, 3, 9, tzinfo=UTC),
    "Qu'avons-nous décidé hier au sujet des prix ?": datetime(2026, 11, 24, 8, tzinfo=UTC),
    "¿Qué decidimos la semana pasada sobre los precios?": datetime(2026, 11, 18, tzinfo=UTC),
    "Что мы решили в прошлом месяце о ценах?": datetime(2026, 10, 18, tzinfo=UTC),
    "Wat hebben we op 7-5-2026 over de prijzen besloten?": datetime(2026, 5, 7, tzinfo=UTC),
}


@pytest.mark.parametrize(("question", "moment"), QUESTIONS.items())
def test_the_language_is_told_from_the_question(question, moment):
    assert [period.share(moment) for period in periods_in(question, NOW, language_of(question))] == [1.0]


@pytest.mark.parametrize(
    ("said", "language", "expected"),
    [
        ("2023-05-03", "en", [THIRD]),
        ("2023/05/03", "en", [THIRD]),
        ("2023.5.3", "", [THIRD]),
        ("03.05.2023", "en", [THIRD]),
        ("3.5.23", "de", [THIRD]),
        ("3/5/2023", "fr", [THIRD]),
        ("3-5-2023", "nl", [THIRD]),
        ("3/5/2023", "en", []),
        ("3/5/2023", "", []),
        ("5/5/2023", "en", [Period(datetime(2023, 5, 5, tzinfo=UTC), datetime(2023, 5, 6, tzinfo=UTC))]),
        ("13/5/2023", "en", [Period(datetime(2023, 5, 13, tzinfo=UTC), datetime(2023, 5, 14, tzinfo=UTC))]),
        ("5/13/2023", "en", [Period(datetime(2023, 5, 13, tzinfo=UTC), datetime(2023, 5, 14, tzinfo=UTC))]),
        ("version 2.3.1", "en", []),
        ("31.02.2023", "de", []),
        ("1/2/3", "fr", []),
    ],
)
def test_numeric_dates_are_read_where_their_order_is_unambiguous(said, language, expected):
    assert periods_in(said, NOW, language) == expected


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("wir sind hier", "de"),  # French for yesterday
        ("Maja hat Mai gesagt", "de"),
        ("un ocak lazım", "tr"),  # a stove
        ("mars bars are sweet", "en"),
        ("may I march in august company", "en"),
        ("il mare di marzo", "it"),
    ],
)
def test_ordinary_words_are_no_period(said, language):
    assert [period for period in periods_in(said, NOW, language) if period.start is not None] == []


@pytest.mark.parametrize(
    "question",
    [
        "Wann kommt er",
        "Quand vient-il",
        "¿Cuándo viene?",
        "Quando viene",
        "Wanneer komt hij",
        "Kiedy",
        "Когда он придёт",
        "När kommer han",
        "Ne zaman gelir",
    ],
)
def test_asking_when(question):
    assert asks_when(question)
    assert not asks_when(f"Er fragt: {question}")


@pytest.mark.parametrize("mark", ["?", "？", "؟"])
def test_question_marks_of_other_scripts(mark):
    assert is_question(f"abc {mark} ")
