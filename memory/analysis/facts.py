"""Read what a short text states: the attribute of a subject, and its value. Pure; English; precision before recall.

"The CEO of Acme is Ann Smith", "Acme appointed Ann Smith as chief executive" and "Ann Smith now leads Acme" state a value for the same
subject and attribute, so that a later text with another value replaces them. Questions, negations, plans, the past and texts of more than two
sentences state nothing here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from memory.analysis.stems import stems
from memory.analysis.values_of_facts import (
    STATES,
    Shape,
    Value,
    date_of,
    name_of,
    number_of,
    state_of,
    value_of,
)

MAX_LENGTH = 300
MAX_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Fact:
    """A subject's attribute and value; `subject` is the stems of its words, sorted."""

    subject: tuple[str, ...]
    attribute: str
    value: Value

    @property
    def key(self) -> str:
        """The text by which facts of one subject and attribute are equal."""
        return f"{self.attribute}\x00{' '.join(self.subject)}"


# phrases that name the same attribute, and the shape of its values
_ALIKE: dict[tuple[str, Shape | None], str] = {
    ("ceo", Shape.NAME): "ceo/chief executive/chief executive officer/managing director/chief exec",
    ("cfo", Shape.NAME): "cfo/chief financial officer/finance chief/head of finance/finance director",
    ("cto", Shape.NAME): "cto/chief technology officer/chief technical officer/head of technology/technology chief",
    ("cmo", Shape.NAME): "cmo/chief marketing officer/head of marketing/marketing director/marketing chief",
    ("coo", Shape.NAME): "coo/chief operating officer/operations chief/head of operations",
    ("chair", Shape.NAME): "chair/chairman/chairwoman/chairperson/chair of the board",
    ("owner", Shape.NAME): "owner/responsible/responsible person/person responsible/person in charge/account owner/product owner/project owner/assignee",
    ("lead", Shape.NAME): "lead/leader/manager/head/boss/project manager/project lead/team lead/director/coordinator/supervisor",
    ("account manager", Shape.NAME): "account manager/key account manager/account executive",
    ("contact", Shape.NAME): "contact/contact person/main contact/point of contact/primary contact",
    ("president", Shape.NAME): "president", ("editor", Shape.NAME): "editor/editor in chief/chief editor", ("captain", Shape.NAME): "captain",
    ("price", Shape.NUMBER): "price/cost/list price/retail price/selling price/price tag/sale price/unit price/entry price/asking price",
    ("fee", Shape.NUMBER): "fee/charge/subscription fee/monthly fee/monthly price/monthly cost/subscription/subscription price",
    ("rate", Shape.NUMBER): "rate/daily rate/nightly rate/room rate/hourly rate", ("rent", Shape.NUMBER): "rent/monthly rent",
    ("salary", Shape.NUMBER): "salary/pay/wage", ("budget", Shape.NUMBER): "budget/spending limit/allocated budget",
    ("discount", Shape.NUMBER): "discount/rebate", ("capacity", Shape.NUMBER): "capacity/maximum capacity/seating capacity",
    ("headcount", Shape.NUMBER): "headcount/number of employees/team size/staff count/number of people/workforce/size",
    ("stock", Shape.NUMBER): "stock/stock level/inventory/inventory level",
    ("return window", Shape.NUMBER): "return window/return period/returns window/returns period/return policy",
    ("warranty", Shape.NUMBER): "warranty/warranty period/guarantee/guarantee period", ("notice", Shape.NUMBER): "notice period/notice",
    ("delivery time", Shape.NUMBER): "delivery time/shipping time/lead time", ("target", Shape.NUMBER): "target/goal/quota",
    ("limit", Shape.NUMBER): "limit/cap/maximum/minimum order/threshold", ("version", None): "version/current version/latest version/release",
    ("due", Shape.DATE): "deadline/due date/submission deadline/cut-off/cutoff/cut-off date/submission date/delivery date",
    ("date", Shape.DATE): "date/launch/launch date/release date/go-live/go-live date/opening date/opening/kick-off/kickoff/start date/start/event date/meeting/appointment/"
    "renewal date/renewal/publication date/ship date/shipping date/release/wedding/conference/workshop/webinar/next meeting/next review/review date/move-in date",
    ("end", Shape.DATE): "end date/end/expiry date/expiration date/closing date/expiry",
    ("status", Shape.STATE): "status/state/current status/current state/condition/stage",
    ("place", Shape.NAME): "headquarters/head office/hq/main office/head quarters/location/registered office/base/office/venue",
    ("phone", None): "phone number/telephone number/phone/hotline/hotline number/support number/mobile number/telephone",
    ("email", None): "email/e-mail/email address/e-mail address/mail address", ("address", None): "address/postal address/street address",
    ("supplier", Shape.NAME): "supplier/vendor/provider/manufacturer/main supplier", ("agency", Shape.NAME): "agency/media agency/lead agency",
    ("carrier", Shape.NAME): "carrier/shipping carrier/shipping partner/courier/logistics partner",
    ("hours", None): "opening hours/hours/business hours/opening time/closing time/check-in time/checkout time/check-out time/check-in/check-out",
    ("password", None): "password/wifi password", ("currency", None): "currency", ("slogan", None): "slogan/tagline",
}  # fmt: skip
_KNOWN = {
    name: (canonical, shape) for (canonical, shape), names in _ALIKE.items() for name in names.split("/")
}
_HEADS = "|".join(re.escape(each) for each in sorted(_KNOWN, key=len, reverse=True))

_STOP = re.compile(
    r"\?|n't\b|\b(?:not|never|no longer|neither|nor|if|unless|whether|might|(?-i:may)|could|would|should|maybe|perhaps|probably|possibly|proposed|"
    r"proposes|suggested|suggests|hopes?|wants?|wish(?:es)?|considering|considers|considered|rumou?red|used to|think|thinks|thought|believe[sd]?|"
    r"expects?|asked|wonder|plans? to|planned to|draft|example|almost|nearly)\b",
    re.IGNORECASE,
)
_BREAK = re.compile(r"(?<=[.!;])\s+(?=[\"'“]?[A-Z])|\n+")
_LEAD_IN = re.compile(
    r"^(?:(?:update|news|fyi|note|reminder|info|correction|heads[- ]up|announcement|memo|important|please note|note that|as of|from|since|starting|beginning|effective|with effect from|by now|"
    r"going forward|in the meantime|meanwhile|officially|currently|now|today|recently|at present|presently|at the moment|right now|these days|this (?:week|month|year|quarter)|"
    r"next (?:week|month|year|quarter)|last (?:week|month|year|quarter)|yesterday|as agreed|according to [^,:]+|we (?:now )?have|there is)\b[^,:]{0,40}[,:\u2013-]\s*|(?:now|currently|officially|"
    r"today|recently|as of today|as of now|from now on|fyi)[,:]?\s+)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s*(?:\(.*\)|,?\s*(?:\b(?:as of|since|effective|starting|beginning|with effect from|from now on|until further notice|at the moment|at present|right now|"
    r"these days|instead of|rather than|up from|down from|replacing|succeeding|following|because|after|due to|thanks to|in place of|to replace|formerly|previously|"
    r"according to|instead|for now|again|this (?:week|month|year|quarter|season)|next (?:week|month|quarter)|as agreed|as announced)\b.*)|"
    r",\s*(?:was|it was|not|no longer|previously|formerly)\b.*|\s+from (?!.* to )(?:today|tomorrow|now|next|\d|(?:january|february|march|april|may|june|july|august|"
    r"september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b).*)$",
    re.IGNORECASE,
)
_ADVERBS = re.compile(
    r"\b(?:right now|as of now|as of today|from now on|until further notice|now|currently|officially|presently|already|still|newly|formally|finally|at present|today|just|recently|henceforth|as well|also)\b\s*",
    re.IGNORECASE,
)
_CHANGED = (
    r"(?:changed|moved|raised|lowered|cut|increased|reduced|set|updated|postponed|brought forward|rescheduled|pushed back|pushed|put back|delayed|extended|shifted|corrected|"
    r"revised|adjusted|bumped|slashed|upgraded|switched|transferred|fixed|doubled|halved|capped)"
)
_FROM = r"(?: from .{1,30}?)?"
_TO = r"(?:to|at|as|until|for|on)"
_IS = (
    r"(?:is|are|=|:|equals|stands at|sits at|remains|became|becomes|has become|will be|lies at|amounts to|comes to|totals|"
    rf"(?:was|were|has been|have been|got|is being|will be|is|are) {_CHANGED}{_FROM} (?:up to|down to|{_TO})|"
    rf"(?:has |have )?(?:risen|rose|went up|gone up|increased|climbed|grew|grown|fell|fallen|dropped|went down|gone down|decreased|changed|moved|switched|shifted|slipped|jumped|goes up|goes down|rises|falls|drops){_FROM} to)"
)
_DET = r"(?:the |our |its |their |my |this |current |new |latest |main |primary |today's )*"
_A = rf"(?P<a>{_HEADS})"
_ANY_A = r"(?P<a>[a-z][\w-]*(?: [a-z][\w-]*){0,2})"
_S = r"(?P<s>.{2,60}?)"
_V = r"(?P<v>.{1,60}?)"
_NAMED = r"(?P<v>(?:Mr |Mrs |Ms |Dr )?[A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3})"
_AUX = r"(?:has |have |had |was |is |will |is being |has been |will be )?"
_PREPOSITION = r"(?:of|for|at|in|on|from|with)"
_BECAME = (
    r"(?:is|becomes|became|has become|serves as|acts as|works as|takes over as|took over as|has taken over as|taking over as|(?:was|has been|is|got) (?:appointed|named|made|elected|promoted to|hired as|"
    r"chosen as|selected as|confirmed as|announced as)(?: as)?|is serving as|steps in as|stepped in as|will serve as|joins as|joined as|starts as|started as|takes the role of|takes over the role of|"
    r"took over the role of|has been promoted to|was promoted to|has been elected(?: as)?|is taking over as|will be)"
)
_PUT = r"(?:appoints|appointed|names|named|hires|hired|made|makes|chose|picked|selected|promoted|elects|elected|brought in|announced)"


def _compile(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(f"^{pattern}$", flags)


# the value's pattern is case-sensitive where capitals make the name
_FRAMES = (
    _compile(rf"{_DET}{_A} {_PREPOSITION} {_S} ?{_IS} {_V}"),
    _compile(rf"{_DET}{_S}(?:'s|s') {_DET}{_A} ?{_IS} {_V}"),
    _compile(rf"{_DET}{_S} {_A} ?{_IS} {_V}"),
    _compile(rf"{_S} (?:has|carries|comes with|offers|gets|got) (?:a |an |the )?(?:new )?{_A} of {_V}"),
    _compile(rf"{_V} {_IS} (?:the |our )?(?:new |current )?{_A} {_PREPOSITION} {_S}"),
)
_ANY_FRAMES = (
    _compile(rf"(?:the|our) {_ANY_A} of {_S} ?{_IS} {_V}"),
    _compile(rf"{_S}(?:'s|s') {_ANY_A} ?{_IS} {_V}"),
)
_WE = _compile(rf"(?:our|we have an?) (?:current |new )?{_ANY_A} ?{_IS} {_V}")
_THE = _compile(rf"(?:the )?(?P<s>[a-z][\w-]*(?: [a-z][\w-]*){{0,3}}) {_A} ?{_IS} {_V}")
_PEOPLE = (
    re.compile(
        rf"^{_NAMED} {_BECAME} (?i:(?:the |our |a |its )?(?:new |next |current |interim |acting )*){_A.replace('(?P<a>', '(?P<a>(?i:')}) {_PREPOSITION} {_S}$"
    ),
    re.compile(
        rf"^{_NAMED} {_BECAME} {_S}(?:'s|s') (?:new |next |current )*{_A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
    re.compile(
        rf"^{_S} {_AUX}{_PUT} {_NAMED} (?:as |to be |to the role of |to the post of )?(?:the |its |their |our |a )?(?:new |next |interim )*{_A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
    re.compile(
        rf"^{_NAMED} (?:joins|joined|has joined|takes over|took over|has taken over) {_S} as (?:the |its |their |our )?(?:new |next )*{_A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
)
_OWNS = re.compile(
    rf"^{_NAMED} (?:owns|is responsible for|is in charge of|looks after|takes care of|handles|took over|takes over|has taken over|is taking over|has been put in charge of|is assigned to|"
    rf"was put in charge of|is accountable for|has taken on|takes on|will take over|has responsibility for|is now responsible for|took charge of|takes charge of) {_S}$"
)
_OWNED = re.compile(
    rf"^{_S} (?:is owned by|belongs to|is assigned to|was assigned to|has been assigned to|was handed over to|was handed to|has been handed (?:over )?to|was reassigned to|has been reassigned to|"
    rf"was transferred to|has been transferred to|sits with|lies with|went to|goes to|passes to|passed to|is handled by|is looked after by|is with|is in the hands of|was passed to|moved to|"
    rf"was given to|has been given to|is taken care of by|falls to|has a new owner[,:]?) {_NAMED}$"
)
_LEADS = re.compile(
    rf"^{_NAMED} (?:leads|runs|manages|heads|heads up|coordinates|supervises|directs|is leading|is running|is heading|is managing|will lead|oversees|is at the helm of) {_S}$"
)
_LED = re.compile(
    rf"^{_S} (?:is|will be|is being) (?:led|managed|run|headed|headed up|coordinated|supervised|directed|overseen) by {_NAMED}$"
)
_TAKEN_OVER = re.compile(
    r" (?:took|takes|taken|taking|take) (?:over|on|charge)| (?:handed|transferred|passed|reassigned) "
)
_COSTS = (
    _compile(rf"{_S} (?:costs?|sells? for|is priced at|are priced at|retails? at|retails? for|goes for|go for|is sold (?:for|at)|are sold (?:for|at)|is available for|is offered (?:for|at)|are offered at|is on sale for|"
             rf"will cost|is going for|can be bought for|can be had for|comes in at|has been repriced (?:to|at)|was repriced (?:to|at)|is listed at|are listed at|is yours for|sets you back|starts at|runs at) {_V}"),
    _compile(rf"(?:we|they|you|customers|guests|clients) (?:now )?(?:charge|pay|sell|ask|bill) (?P<v>[^a-z]*\d.{{0,25}}?) for {_S}"),
    _compile(rf"(?:we|they) (?:sell|offer|price|list) {_S} (?:for|at) {_V}"),
)  # fmt: skip
_SEATS = _compile(rf"{_S} (?:employs|has a staff of|has a team of|counts) {_V}")
_MEASURES = {
    "takes": "duration", "take": "duration", "lasts": "duration", "holds": "capacity", "seats": "capacity", "accommodates": "capacity", "fits": "capacity", "weighs": "weight",
    "covers": "area", "allows": "limit", "accepts": "limit", "requires": "requirement", "supports": "capacity", "serves": "capacity", "earns": "salary",
}  # fmt: skip
_MEASURED = _compile(rf"{_S} (?P<a>{'|'.join(_MEASURES)}) (?:up to |at most |at least |about )?{_V}")
_BASED = _compile(
    rf"{_S} (?:is|are) (?:based|headquartered|located|situated) (?:in|at) {_V}|(?P<s2>.{{2,60}}?) (?:moved|relocated|has moved|has relocated|moves|is moving|relocates|is relocating|shifted)(?: its (?:headquarters|head office|hq|main office|offices?))?{_FROM} to (?P<v2>.{{1,60}}?)"
)
_DATES = {
    "date": r"(?:launches|ships|goes live|is released|is due to (?:launch|start|open|begin|take place)|takes place|is scheduled|is planned|is set|will take place|will be held|is held|launch is|will launch|will start|will open|"
            r"starts|begins|kicks off|opens|will begin|is happening|will be launched|will be released|will go live|renews|comes out|will ship|arrives|is coming out|is going live|is launching|is starting|is opening|is taking place|meets)",
    "end": r"(?:ends|expires|finishes|closes|runs out|will end|will close|lasts until|runs until|is valid until|is open until)",
    "due": r"(?:is due|are due|must be finished|has to be finished|has to be delivered|must be delivered|is expected|must be in|must be done|has to be done|needs to be done|needs to be finished|must be submitted|is to be delivered|has to be in|is wanted|is needed)",
}  # fmt: skip
_WHEN = r"(?:for |on |in |at |by |until |to |from )?"
_DATED = {name: _compile(rf"{_S} {verbs} {_WHEN}{_V}") for name, verbs in _DATES.items()}
_SHIFTED = _compile(
    rf"{_S} (?:(?:was|has been|is|got|had to be|were|will be) (?:moved|postponed|rescheduled|pushed back|pushed|put back|brought forward|delayed|shifted|extended|deferred)|slips|slipped|has slipped|moves|moved){_FROM} (?:to|until|till) {_V}"
)
_IN_STATE = re.compile(
    rf"^{_S} (?:is|are|has been|have been|was|were|went|goes|has gone|have gone|remains|stays|became|becomes|got|came) (?:marked (?:as )?|put |set to |declared |labelled |switched to |back )?(?P<v>{'|'.join(re.escape(each) for each in sorted(STATES, key=len, reverse=True))})$",
    re.IGNORECASE,
)
_PRONOUNS = frozenset(
    [
        "it",
        "he",
        "she",
        "they",
        "this",
        "that",
        "these",
        "those",
        "there",
        "we",
        "i",
        "you",
        "who",
        "which",
        "what",
        "here",
        "everything",
        "everyone",
        "nobody",
        "something",
        "someone",
        "one",
        "his",
        "her",
        "their",
        "today",
        "tomorrow",
    ]
)
_DETERMINERS = frozenset(["the", "our", "a", "an", "my", "their", "its", "this", "current", "new"])
_GENERIC = frozenset(
    stems(
        [
            "project",
            "product",
            "company",
            "account",
            "firm",
            "the",
            "new",
            "our",
            "a",
            "an",
            "my",
            "whole",
            "entire",
            "plan",
            "team",
            "campaign",
        ],
        "en",
    )
)
_ARTICLE = re.compile(r"^(?:the|our|a|an|my|their|its|this|all|each|every)\s+", re.IGNORECASE)
_INDEFINITE = re.compile(
    r"^(?:a|an|one|some|every|each|no|any|another|many|most|several|few|both)\s", re.IGNORECASE
)
_DATED_TAIL = re.compile(r"^(.+?) (?:in|on|from|since|by|at|last|next|this|for) (.+)$")
_WORD = re.compile(r"[^\W_]+(?:[.'&-][^\W_]+)*")


def facts_of(text: str) -> list[Fact]:
    """Return the facts that a text states; none if it is long, or says anything that could make them untrue."""
    text = " ".join(text.replace("\u2019", "'").split("\t")).strip()
    if not text or len(text) > MAX_LENGTH or _STOP.search(text):
        return []
    sentences = [each for each in _BREAK.split(text) if each.strip()]
    if len(sentences) > MAX_SENTENCES:
        return []
    found: dict[str, Fact] = {}
    for sentence in sentences:
        for fact in _facts_in(sentence.strip().rstrip(".!; ")):
            found.setdefault(fact.key, fact)
    return list(found.values())


def _facts_in(sentence: str) -> Iterator[Fact]:
    lead = _LEAD_IN.match(sentence)
    while lead:
        sentence = sentence[lead.end() :]
        lead = _LEAD_IN.match(sentence)
    sentence = " ".join(_ADVERBS.sub("", sentence).split())
    sentence = _TAIL.sub("", sentence).rstrip(".,!; ")
    found = list(_read(sentence))
    for subject, attribute, value in found:
        if value.shape is not Shape.DATE:
            subject = _without_date(subject)
        key = _subject(subject)
        if key is not None:
            yield Fact(key, attribute, value)


def _read(sentence: str) -> Iterator[tuple[str, str, Value]]:
    """Yield subjects, attributes and values; of the first frame that fits."""
    for read in (
        _of_people,
        _of_costs,
        _of_shifts,
        _of_dates,
        _of_places,
        _of_attributes,
        _of_measures,
        _of_states,
    ):
        found = list(read(sentence))
        if found:
            yield from found
            return


def _of_people(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in _PEOPLE:
        if match := pattern.match(sentence):
            canonical, shape = _KNOWN[match["a"].lower()]
            value = name_of(match["v"])
            if shape is Shape.NAME and value:
                yield match["s"], canonical, value
                return
    for attribute, patterns in (("owner", (_OWNS, _OWNED)), ("lead", (_LEADS, _LED))):
        for pattern in patterns:
            match = pattern.match(sentence)
            value = name_of(match["v"]) if match else None
            if (
                match
                and value
                and date_of(match["v"]) is None
                and not (pattern is _OWNED and " moved to" in sentence)
            ):
                subject = re.sub(r" from [A-Z][\w' ]*$", "", match["s"])
                yield subject, attribute, value
                if _TAKEN_OVER.search(sentence):
                    yield subject, "lead" if attribute == "owner" else "owner", value
                return


def _of_costs(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in _COSTS:
        match = pattern.match(sentence)
        value = number_of(match["v"]) if match else None
        if match and value:
            yield match["s"], *_by_month("price", value)
            return
    match = _SEATS.match(sentence)
    value = number_of(match["v"]) if match else None
    if match and value:
        yield match["s"], "headcount", Value(Shape.NUMBER, value.tokens)


def _of_measures(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = _MEASURED.match(sentence)
    value = number_of(match["v"]) if match else None
    if match and value and value.unit:
        yield match["s"], _MEASURES[match["a"].lower()], value


def _of_shifts(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = _SHIFTED.match(sentence)
    value = date_of(match["v"]) if match else None
    if match and value:
        subject, named = match["s"], None
        for pattern in (_compile(rf"{_DET}{_A} {_PREPOSITION} {_S}"), _compile(rf"{_DET}{_S}(?:'s)? {_A}")):
            inner = pattern.match(subject)
            if inner and _KNOWN[inner["a"].lower()][1] is Shape.DATE and _subject(inner["s"]):
                subject, named = inner["s"], _KNOWN[inner["a"].lower()][0]
                break
        for attribute in (named,) if named else ("date", "due", "end"):
            yield subject, attribute, value


def _of_dates(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for attribute, pattern in _DATED.items():
        match = pattern.match(sentence)
        value = date_of(match["v"]) if match else None
        if match and value:
            yield match["s"], attribute, value
            return


def _of_places(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = _BASED.match(sentence)
    if match:
        subject, said = match["s"] or match["s2"], match["v"] or match["v2"]
        value = name_of(said)
        subject = re.sub(
            r"(?:'s)? (?:headquarters|head office|hq|main office|offices?)$", "", subject, flags=re.IGNORECASE
        )
        if value and date_of(said) is None:
            yield subject, "place", value


def _of_attributes(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in _FRAMES:
        match = pattern.match(sentence)
        if match is None or _subject(match["s"]) is None:
            continue
        canonical, shape = _KNOWN[match["a"].lower()]
        value = _shaped(match["v"], shape)
        if value is not None and not _INDEFINITE.match(sentence):
            yield match["s"], *_by_month(canonical, value)
            return
    for pattern in _ANY_FRAMES:
        match = pattern.match(sentence)
        value = value_of(match["v"]) if match else None
        if (
            match
            and value
            and value.shape not in (Shape.TEXT, Shape.STATE)
            and not _INDEFINITE.match(sentence)
        ):
            yield match["s"], " ".join(stems(match["a"].lower().split(), "en")), value
            return
        if match and value and value.shape is Shape.STATE:
            value = Value(Shape.TEXT, tuple(match["v"].lower().split()))
        if match and value and _is_definite(match["s"]):
            yield match["s"], " ".join(stems(match["a"].lower().split(), "en")), value
            return
    match = _WE.match(sentence)
    value = value_of(match["v"]) if match else None
    if match and value and value.shape not in (Shape.TEXT, Shape.STATE):
        named = match["a"].lower()
        yield "ourselves", _KNOWN.get(named, (" ".join(stems(named.split(), "en")), None))[0], value


def _of_states(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = _IN_STATE.match(sentence)
    value = state_of(match["v"]) if match else None
    if match and value and not _INDEFINITE.match(sentence):
        yield match["s"], "status", value


def _by_month(attribute: str, value: Value) -> tuple[str, Value]:
    """Return a price by month as a fee, whose unit is a currency alone."""
    if attribute not in ("price", "fee", "rent"):
        return attribute, value
    units = value.unit.split()
    currency = " ".join(each for each in units if each not in ("month", "per"))
    return ("fee" if attribute == "price" and "month" in units else attribute), Value(
        value.shape, value.tokens, currency
    )


def _shaped(text: str, shape: Shape | None) -> Value | None:
    value = value_of(text)
    if value is None:
        return None
    if shape is Shape.NAME:
        return name_of(text) if date_of(text) is None else None
    if shape is None:
        return value
    return value if value.shape is shape else None


def _without_date(subject: str) -> str:
    """Return a subject without the time that follows it, as in "Acme in March"."""
    match = _DATED_TAIL.match(subject)
    return match[1] if match and date_of(match[2]) else subject


def _is_definite(subject: str) -> bool:
    return bool(re.search(r"[A-Z0-9]", subject))


def _subject(text: str) -> tuple[str, ...] | None:
    """Return the stems of a subject's words, sorted; None for pronouns, clauses and long texts."""
    text = _ARTICLE.sub("", text.strip(" ,:'\""))
    words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
    if (
        not words
        or all(word in _DETERMINERS for word in words)
        or len(words) > 7
        or words[0] in _PRONOUNS
        or " that " in text
        or "," in text
    ):
        return None
    kept = [stem for stem in stems(words, "en") if stem not in _GENERIC] or stems(words, "en")
    return tuple(sorted(set(kept)))
