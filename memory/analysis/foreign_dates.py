# ruff: noqa: RUF001  words of other languages
"""Rewrite the dates of other languages as the English expressions that `memory.analysis.periods` reads. Pure.

German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Swedish and Turkish: days and months with and without a year, quarters, years, and
"today", "yesterday", "last week", "three months ago". Numeric dates are read where their order is unambiguous: always year first; with dots the
day first; with slashes and hyphens the day first if the text is not English or the first number exceeds 12, and the month first if the second does.

The tables are the project's own. A parser of free dates such as dateparser takes 5 to 50 ms a text and finds dates in ordinary words.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

_ENGLISH = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Language:
    """A language's words for time; each a regular expression.

    Attributes:
        months: twelve.
        prepositions: words before a month or year.
        quarter: the word for quarter.
        days: "today" and "yesterday".
        named: last week, month, quarter, year; this week, month, quarter, year.
        units: day, week, month, year, as in "ago".
        ago: with {count} and {unit}.
        counts: one to six.
    """

    months: str
    prepositions: str
    quarter: str
    days: tuple[str, str]
    named: tuple[str, str, str, str, str, str, str, str]
    units: tuple[str, str, str, str]
    ago: str
    counts: str


LANGUAGES: Mapping[str, _Language] = {
    "de": _Language(
        "januar|jänner februar|feber märz|maerz april mai juni juli august september oktober november dezember",
        "im|in|seit|bis|vom|anfang|mitte|ende|jahr|jahre|jahres",
        r"quartals?",
        ("heute", "gestern"),
        (
            r"(?:letzte|vergangene|vorige)[nr]? woche", r"(?:letzte|vergangene|vorige)[nms] monats?",
            r"(?:letzte|vergangene|vorige)[nms] quartals?", r"(?:letzte|vergangene|vorige)[nms] jahr(?:es)?",
            r"diese[r]? woche", r"diese[nms] monats?", r"diese[ms] quartals?", r"diese[ms] jahr(?:es)?",
        ),
        (r"tag(?:en)?", r"wochen?", r"monat(?:en)?", r"jahr(?:en)?"),
        r"vor {count} {unit}",
        "einem|einer zwei drei vier fünf sechs",
    ),
    "fr": _Language(
        "janvier février|fevrier mars avril mai juin juillet août|aout septembre octobre novembre décembre|decembre",
        "en|au|de|depuis|début|mi|fin|mois de|année",
        r"trimestre",
        (r"aujourd['\u2019]hui", "hier"),
        (
            r"semaine (?:dernière|passée)", r"mois (?:dernier|passé)", r"trimestre (?:dernier|passé)",
            r"(?:an|année) (?:dernier|dernière|passé|passée)",
            r"cette semaine", r"ce mois(?:-ci)?", r"ce trimestre", r"cette année",
        ),
        (r"jours?", r"semaines?", r"mois", r"(?:an|année)s?"),
        r"il y a {count} {unit}",
        "un|une deux trois quatre cinq six",
    ),
    "es": _Language(
        "enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre noviembre diciembre",
        "en|de|desde|hasta|durante|año|del",
        r"trimestre",
        ("hoy", "ayer"),
        (
            r"semana pasada|(?:la )?última semana", r"mes pasado|último mes", r"trimestre pasado|último trimestre", r"año pasado|último año",
            r"esta semana", r"este mes", r"este trimestre", r"este año",
        ),
        (r"días?", r"semanas?", r"mes(?:es)?", r"años?"),
        r"hace {count} {unit}",
        "un|una dos tres cuatro cinco seis",
    ),
    "it": _Language(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "in|a|ad|nel|di|da|dal|del|anno",
        r"trimestre",
        ("oggi", "ieri"),
        (
            r"(?:settimana (?:scorsa|passata)|scorsa settimana)", r"(?:mese (?:scorso|passato)|scorso mese)",
            r"(?:trimestre (?:scorso|passato)|scorso trimestre)", r"(?:anno (?:scorso|passato)|scorso anno)",
            r"questa settimana", r"questo mese", r"questo trimestre", r"quest['\u2019]anno",
        ),
        (r"giorn[oi]", r"settiman[ae]", r"mes[ei]", r"ann[oi]"),
        r"{count} {unit} fa",
        "un|uno|una|un['\u2019] due tre quattro cinque sei",
    ),
    "pt": _Language(
        "janeiro fevereiro março|marco abril maio junho julho agosto setembro outubro novembro dezembro",
        "em|de|desde|até|ano|durante",
        r"trimestre",
        ("hoje", "ontem"),
        (
            r"semana passada|última semana", r"mês passado|último mês", r"trimestre passado|último trimestre", r"ano passado|último ano",
            r"n?esta semana", r"n?este mês", r"n?este trimestre", r"n?este ano",
        ),
        (r"dias?", r"semanas?", r"m(?:ês|eses)", r"anos?"),
        r"há {count} {unit}(?: atrás)?|{count} {unit} atrás",
        "um|uma dois|duas três quatro cinco seis",
    ),
    "nl": _Language(
        "januari februari maart april mei juni juli augustus september oktober november december",
        "in|sinds|van|tot|begin|eind|half|jaar",
        r"kwartaal",
        ("vandaag", "gisteren"),
        (
            r"(?:vorige|afgelopen) week", r"(?:vorige|afgelopen) maand", r"(?:vorig|vorige|afgelopen) kwartaal", r"(?:vorig|afgelopen) jaar",
            r"deze week", r"deze maand", r"dit kwartaal", r"dit jaar",
        ),
        (r"dag(?:en)?", r"we(?:ek|ken)", r"maand(?:en)?", r"ja(?:ar|ren)"),
        r"{count} {unit} geleden",
        "een|één twee drie vier vijf zes",
    ),
    "pl": _Language(
        "styczeń|stycznia|styczniu luty|lutego|lutym marzec|marca|marcu kwiecień|kwietnia|kwietniu maj|maja|maju czerwiec|czerwca|czerwcu "
        "lipiec|lipca|lipcu sierpień|sierpnia|sierpniu wrzesień|września|wrześniu październik|października|październiku "
        "listopad|listopada|listopadzie grudzień|grudnia|grudniu",
        "w|we|od|do|rok|roku",
        r"kwarta(?:ł|łu|le)",
        (r"dzisiaj|dziś", "wczoraj"),
        (
            r"(?:zeszł|ubiegł|poprzedni)\w* tygod\w+", r"(?:zeszł|ubiegł|poprzedni)\w* miesiąc\w*",
            r"(?:zeszł|ubiegł|poprzedni)\w* kwarta\w+", r"(?:zeszł|ubiegł|poprzedni)\w* rok\w*",
            r"(?:tym|ten) tyd\w+|tym tygodniu", r"(?:tym|ten) miesiąc\w*", r"(?:tym|ten) kwarta\w+", r"(?:tym|ten) rok\w*",
        ),
        (r"d(?:zień|ni)", r"ty(?:dzień|godnie|godni)", r"miesi(?:ąc|ące|ęcy)", r"(?:rok|lata|lat)"),
        r"{count} {unit} temu",
        "jeden|jedną dwa|dwie trzy cztery pięć sześć",
    ),
    "ru": _Language(
        "январь|января|январе февраль|февраля|феврале март|марта|марте апрель|апреля|апреле май|мая|мае июнь|июня|июне июль|июля|июле "
        "август|августа|августе сентябрь|сентября|сентябре октябрь|октября|октябре ноябрь|ноября|ноябре декабрь|декабря|декабре",
        "в|во|с|до|за|год|году|года",
        r"квартал[аеу]?",
        ("сегодня", "вчера"),
        (
            r"прошл(?:ой|ую) недел[еюи]", r"прошл(?:ом|ый) месяце?", r"прошл(?:ом|ый) квартале?", r"прошл(?:ом|ый) году?",
            r"эт(?:ой|у) недел[еюи]", r"эт(?:ом|от) месяце?", r"эт(?:ом|от) квартале?", r"эт(?:ом|от) году?",
        ),
        (r"д(?:ень|ня|ней)", r"недел[юиь]", r"месяц(?:а|ев)?", r"(?:года?|лет)"),
        r"{count} {unit} назад",
        "один|одну два|две три четыре пять шесть",
    ),
    "sv": _Language(
        "januari februari mars april maj juni juli augusti september oktober november december",
        "i|under|sedan|från|till|år|året",
        r"kvartalet?",
        (r"i ?dag", r"i ?går"),
        (
            r"förra veckan", r"förra månaden", r"förra kvartalet", r"(?:förra året|i fjol)",
            r"(?:denna vecka|den här veckan|i veckan)", r"(?:denna månad|den här månaden)", r"(?:detta kvartal|det här kvartalet)",
            r"(?:detta år|det här året|i år)",
        ),
        (r"dag(?:ar)?", r"veck(?:a|or)", r"månad(?:er)?", r"år"),
        r"för {count} {unit} sedan|{count} {unit} sedan",
        "en|ett två tre fyra fem sex",
    ),
    "tr": _Language(
        "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
        "geçen|bu",
        r"çeyre(?:k|ği|ğinde|kte)",
        ("bugün", "dün"),
        (r"geçen hafta", r"geçen ay", r"geçen çeyrek", r"geçen (?:yıl|sene)", r"bu hafta", r"bu ay", r"bu çeyrek", r"bu (?:yıl|sene)"),
        (r"gün", r"hafta", r"ay", r"(?:yıl|sene)"),
        r"{count} {unit} önce",
        "bir iki üç dört beş altı",
    ),
}  # fmt: skip

_ISO_LIKE = re.compile(r"(?<![\w./-])(\d{4})[./](\d{1,2})[./](\d{1,2})(?![\w/-])")
_NUMERIC = re.compile(r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-])")
# what may follow a day and stand before a year, in any of the languages
_ORDINAL = r"(?:\.|er|º|°|ª|:[ae]|e|-?го)?"
_OF = r"(?:de|del|di|of|den|van)"
# Turkish cases after an apostrophe or without, as in 2023'te
_CASE = r"(?:['\u2019]?[dt][ae]n?|['\u2019]?(?:ın|in|un|ün)(?:da|de))?"
_WHEN = re.compile(
    r"[\s¿]*(?:wann|seit wann|wie lange|quand|depuis quand|cuándo|cuando|desde cuándo|quando|da quando|wanneer|sinds wanneer|kiedy|od kiedy|"
    r"когда|с каких пор|när|sedan när|ne zaman|什么时候|いつ|언제)(?![^\W_])",
    re.IGNORECASE,
)


def in_english(text: str, language: str) -> str:
    """Return a text with its dates rewritten in English; the other words stay.

    Args:
        text: any text.
        language: ISO 639-1; "" if unknown: dates of all languages are read if they have a figure.
    """
    text = _NUMERIC.sub(lambda match: _numeric(match, language), _ISO_LIKE.sub(_ordered, text))
    if language == "en" or (not language and not any(each.isdigit() for each in text)):
        return text
    text = text.replace("İ", "i") if language == "tr" else text
    for name in (language,) if language else LANGUAGES:
        for pattern, replacement in _rules(name) if language else _dated_rules(name):
            text = pattern.sub(replacement, text)
    return text


def asks_when_abroad(question: str) -> bool:
    """Return whether a question in another language asks for a time."""
    return _WHEN.match(question) is not None


_Replacement = str | Callable[[re.Match[str]], str]


def _ordered(match: re.Match[str]) -> str:
    return _iso(int(match[1]), int(match[2]), int(match[3])) or match[0]


def _numeric(match: re.Match[str], language: str) -> str:
    first, sign, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if len(match[4]) == 2:
        if sign == "-":
            return match[0]
        year += 2000 if year < 70 else 1900
    day_first = sign == "." or language not in {"", "en"} or first > 12 or first == second
    if day_first:
        return _iso(year, second, first) or match[0]
    return (_iso(year, first, second) if second > 12 else "") or match[0]


def _iso(year: int, month: int, day: int) -> str:
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else ""


@cache
def _rules(name: str) -> list[tuple[re.Pattern[str], _Replacement]]:
    """Return the rules of a language, the more specific first; none of a language without a table."""
    if name not in LANGUAGES:
        return []
    language = LANGUAGES[name]
    rules = [*_dated_rules(name)]
    months = _months(language)
    every = "|".join(sorted(months, key=len, reverse=True))
    before = language.prepositions
    rules += [
        (_bounded(rf"(?:{before})[ -]({every}){_CASE}"), lambda match: f"in {months[match[1].lower()]}"),
        (_bounded(rf"(?:{before}) ((?:19|20)\d\d){_CASE}"), r"in \1"),
    ]
    if name == "tr":
        rules += [
            (_bounded(rf"({every})['\u2019]?[dt][ae]n?"), lambda match: f"in {months[match[1].lower()]}"),
            (_bounded(r"((?:19|20)\d\d)(?: yılında|['\u2019][dt][ae]n?)"), r"in \1"),
        ]
    periods = (
        "last week",
        "last month",
        "last quarter",
        "last year",
        "this week",
        "this month",
        "this quarter",
        "this year",
    )
    rules += [(_bounded(said), meant) for said, meant in zip(language.named, periods, strict=True)]
    rules += [
        (_bounded(said), meant) for said, meant in zip(language.days, ("today", "yesterday"), strict=True)
    ]
    return [*_ago_rules(language), *rules]


@cache
def _dated_rules(name: str) -> list[tuple[re.Pattern[str], _Replacement]]:
    """Return the rules for dates with a figure, which no ordinary words look like."""
    language = LANGUAGES[name]
    months = _months(language)
    every = "|".join(sorted(months, key=len, reverse=True))

    def day(match: re.Match[str]) -> str:
        return f"{match[1]} {months[match[2].lower()]} {match[3] or ''}".rstrip()

    return [
        (
            _bounded(rf"(\d{{1,2}}){_ORDINAL} ?(?:{_OF} )?({every})\.?{_CASE}(?:,? (?:{_OF} )?(\d{{4}}))?"),
            day,
        ),
        (
            _bounded(rf"({every})\.? (?:{_OF} )?(\d{{4}}){_CASE}"),
            lambda match: f"{months[match[1].lower()]} {match[2]}",
        ),
        (
            _bounded(
                rf"([1-4])(?:\.|º|°|e|er|ème|:[ae]|-?[йм]|-?(?:ом|ый|ий))? ?{language.quarter} (?:{_OF} )?(\d{{4}})"
            ),
            r"q\1 \2",
        ),
        (_bounded(r"t([1-4])[ /-]?(\d{4})"), r"q\1 \2"),
    ]


def _ago_rules(language: _Language) -> Iterator[tuple[re.Pattern[str], _Replacement]]:
    numbers = {
        each: number for number, words in enumerate(language.counts.split(), 1) for each in words.split("|")
    }
    counts = "|".join([r"\d{1,3}", *sorted(numbers, key=len, reverse=True)])
    for unit, english in zip(language.units, ("day", "week", "month", "year"), strict=True):
        for order in language.ago.split("|"):
            pattern = order.format(count=f"({counts})", unit=unit)

            def meant(match: re.Match[str], english: str = english) -> str:
                count = numbers.get(match[1].lower(), match[1])
                return f"{count} {english}s ago"

            yield _bounded(pattern), meant


def _months(language: _Language) -> dict[str, str]:
    return {
        form: english
        for forms, english in zip(language.months.split(), _ENGLISH, strict=True)
        for form in forms.split("|")
    }


def _bounded(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
