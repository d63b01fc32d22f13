"""The words and patterns by which statements of fact are read (memory/analysis/facts.py)."""

import re

from memory.analysis.stems import stems
from memory.analysis.values_of_facts import STATES, Shape

# phrases that name the same attribute, and the shape of its values
ALIKE: dict[tuple[str, Shape | None], str] = {
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
KNOWN = {name: (canonical, shape) for (canonical, shape), names in ALIKE.items() for name in names.split("/")}
HEADS = "|".join(re.escape(each) for each in sorted(KNOWN, key=len, reverse=True))

STOP = re.compile(
    r"\?|n't\b|\b(?:not|never|no longer|neither|nor|if|unless|whether|might|(?-i:may)|could|would|should|maybe|perhaps|probably|possibly|proposed|"
    r"proposes|suggested|suggests|hopes?|wants?|wish(?:es)?|considering|considers|considered|rumou?red|used to|think|thinks|thought|believe[sd]?|"
    r"expects?|asked|wonder|plans? to|planned to|draft|example|almost|nearly)\b",
    re.IGNORECASE,
)
BREAK = re.compile(r"(?<=[.!;])\s+(?=[\"'“]?[A-Z])|\n+")
LEAD_IN = re.compile(
    r"^(?:(?:update|news|fyi|note|reminder|info|correction|heads[- ]up|announcement|memo|important|please note|note that|as of|from|since|starting|beginning|effective|with effect from|by now|"
    r"going forward|in the meantime|meanwhile|officially|currently|now|today|recently|at present|presently|at the moment|right now|these days|this (?:week|month|year|quarter)|"
    r"next (?:week|month|year|quarter)|last (?:week|month|year|quarter)|yesterday|as agreed|according to [^,:]+|we (?:now )?have|there is)\b[^,:]{0,40}[,:\u2013-]\s*|(?:now|currently|officially|"
    r"today|recently|as of today|as of now|from now on|fyi)[,:]?\s+)",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"\s*(?:\(.*\)|,?\s*(?:\b(?:as of|since|effective|starting|beginning|with effect from|from now on|until further notice|at the moment|at present|right now|"
    r"these days|instead of|rather than|up from|down from|replacing|succeeding|following|because|after|due to|thanks to|in place of|to replace|formerly|previously|"
    r"according to|instead|for now|again|this (?:week|month|year|quarter|season)|next (?:week|month|quarter)|as agreed|as announced)\b.*)|"
    r",\s*(?:was|it was|not|no longer|previously|formerly)\b.*|\s+from (?!.* to )(?:today|tomorrow|now|next|\d|(?:january|february|march|april|may|june|july|august|"
    r"september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b).*)$",
    re.IGNORECASE,
)
ADVERBS = re.compile(
    r"\b(?:right now|as of now|as of today|from now on|until further notice|now|currently|officially|presently|already|still|newly|formally|finally|at present|today|just|recently|henceforth|as well|also)\b\s*",
    re.IGNORECASE,
)
CHANGED = (
    r"(?:changed|moved|raised|lowered|cut|increased|reduced|set|updated|postponed|brought forward|rescheduled|pushed back|pushed|put back|delayed|extended|shifted|corrected|"
    r"revised|adjusted|bumped|slashed|upgraded|switched|transferred|fixed|doubled|halved|capped)"
)
FROM = r"(?: from .{1,30}?)?"
TO = r"(?:to|at|as|until|for|on)"
IS = (
    r"(?:is|are|=|:|equals|stands at|sits at|remains|became|becomes|has become|will be|lies at|amounts to|comes to|totals|"
    rf"(?:was|were|has been|have been|got|is being|will be|is|are) {CHANGED}{FROM} (?:up to|down to|{TO})|"
    rf"(?:has |have )?(?:risen|rose|went up|gone up|increased|climbed|grew|grown|fell|fallen|dropped|went down|gone down|decreased|changed|moved|switched|shifted|slipped|jumped|goes up|goes down|rises|falls|drops){FROM} to)"
)
DET = r"(?:the |our |its |their |my |this |current |new |latest |main |primary |today's )*"
A = rf"(?P<a>{HEADS})"
ANY_A = r"(?P<a>[a-z][\w-]*(?: [a-z][\w-]*){0,2})"
S = r"(?P<s>.{2,60}?)"
V = r"(?P<v>.{1,60}?)"
NAMED = r"(?P<v>(?:Mr |Mrs |Ms |Dr )?[A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3})"
AUX = r"(?:has |have |had |was |is |will |is being |has been |will be )?"
PREPOSITION = r"(?:of|for|at|in|on|from|with)"
BECAME = (
    r"(?:is|becomes|became|has become|serves as|acts as|works as|takes over as|took over as|has taken over as|taking over as|(?:was|has been|is|got) (?:appointed|named|made|elected|promoted to|hired as|"
    r"chosen as|selected as|confirmed as|announced as)(?: as)?|is serving as|steps in as|stepped in as|will serve as|joins as|joined as|starts as|started as|takes the role of|takes over the role of|"
    r"took over the role of|has been promoted to|was promoted to|has been elected(?: as)?|is taking over as|will be)"
)
PUT = r"(?:appoints|appointed|names|named|hires|hired|made|makes|chose|picked|selected|promoted|elects|elected|brought in|announced)"


def compiled(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Return the pattern of a whole sentence."""
    return re.compile(f"^{pattern}$", flags)


# the value's pattern is case-sensitive where capitals make the name
FRAMES = (
    compiled(rf"{DET}{A} {PREPOSITION} {S} ?{IS} {V}"),
    compiled(rf"{DET}{S}(?:'s|s') {DET}{A} ?{IS} {V}"),
    compiled(rf"{DET}{S} {A} ?{IS} {V}"),
    compiled(rf"{S} (?:has|carries|comes with|offers|gets|got) (?:a |an |the )?(?:new )?{A} of {V}"),
    compiled(rf"{V} {IS} (?:the |our )?(?:new |current )?{A} {PREPOSITION} {S}"),
)
ANY_FRAMES = (
    compiled(rf"(?:the|our) {ANY_A} of {S} ?{IS} {V}"),
    compiled(rf"{S}(?:'s|s') {ANY_A} ?{IS} {V}"),
)
WE = compiled(rf"(?:our|we have an?) (?:current |new )?{ANY_A} ?{IS} {V}")
THE = compiled(rf"(?:the )?(?P<s>[a-z][\w-]*(?: [a-z][\w-]*){{0,3}}) {A} ?{IS} {V}")
PEOPLE = (
    re.compile(
        rf"^{NAMED} {BECAME} (?i:(?:the |our |a |its )?(?:new |next |current |interim |acting )*){A.replace('(?P<a>', '(?P<a>(?i:')}) {PREPOSITION} {S}$"
    ),
    re.compile(
        rf"^{NAMED} {BECAME} {S}(?:'s|s') (?:new |next |current )*{A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
    re.compile(
        rf"^{S} {AUX}{PUT} {NAMED} (?:as |to be |to the role of |to the post of )?(?:the |its |their |our |a )?(?:new |next |interim )*{A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
    re.compile(
        rf"^{NAMED} (?:joins|joined|has joined|takes over|took over|has taken over) {S} as (?:the |its |their |our )?(?:new |next )*{A.replace('(?P<a>', '(?P<a>(?i:')})$"
    ),
)
OWNS = re.compile(
    rf"^{NAMED} (?:owns|is responsible for|is in charge of|looks after|takes care of|handles|took over|takes over|has taken over|is taking over|has been put in charge of|is assigned to|"
    rf"was put in charge of|is accountable for|has taken on|takes on|will take over|has responsibility for|is now responsible for|took charge of|takes charge of) {S}$"
)
OWNED = re.compile(
    rf"^{S} (?:is owned by|belongs to|is assigned to|was assigned to|has been assigned to|was handed over to|was handed to|has been handed (?:over )?to|was reassigned to|has been reassigned to|"
    rf"was transferred to|has been transferred to|sits with|lies with|went to|goes to|passes to|passed to|is handled by|is looked after by|is with|is in the hands of|was passed to|moved to|"
    rf"was given to|has been given to|is taken care of by|falls to|has a new owner[,:]?) {NAMED}$"
)
LEADS = re.compile(
    rf"^{NAMED} (?:leads|runs|manages|heads|heads up|coordinates|supervises|directs|is leading|is running|is heading|is managing|will lead|oversees|is at the helm of) {S}$"
)
LED = re.compile(
    rf"^{S} (?:is|will be|is being) (?:led|managed|run|headed|headed up|coordinated|supervised|directed|overseen) by {NAMED}$"
)
TAKEN_OVER = re.compile(
    r" (?:took|takes|taken|taking|take) (?:over|on|charge)| (?:handed|transferred|passed|reassigned) "
)
COSTS = (
    compiled(rf"{S} (?:costs?|sells? for|is priced at|are priced at|retails? at|retails? for|goes for|go for|is sold (?:for|at)|are sold (?:for|at)|is available for|is offered (?:for|at)|are offered at|is on sale for|"
             rf"will cost|is going for|can be bought for|can be had for|comes in at|has been repriced (?:to|at)|was repriced (?:to|at)|is listed at|are listed at|is yours for|sets you back|starts at|runs at) {V}"),
    compiled(rf"(?:we|they|you|customers|guests|clients) (?:now )?(?:charge|pay|sell|ask|bill) (?P<v>[^a-z]*\d.{{0,25}}?) for {S}"),
    compiled(rf"(?:we|they) (?:sell|offer|price|list) {S} (?:for|at) {V}"),
)  # fmt: skip
SEATS = compiled(rf"{S} (?:employs|has a staff of|has a team of|counts) {V}")
MEASURES = {
    "takes": "duration", "take": "duration", "lasts": "duration", "holds": "capacity", "seats": "capacity", "accommodates": "capacity", "fits": "capacity", "weighs": "weight",
    "covers": "area", "allows": "limit", "accepts": "limit", "requires": "requirement", "supports": "capacity", "serves": "capacity", "earns": "salary",
}  # fmt: skip
MEASURED = compiled(rf"{S} (?P<a>{'|'.join(MEASURES)}) (?:up to |at most |at least |about )?{V}")
BASED = compiled(
    rf"{S} (?:is|are) (?:based|headquartered|located|situated) (?:in|at) {V}|(?P<s2>.{{2,60}}?) (?:moved|relocated|has moved|has relocated|moves|is moving|relocates|is relocating|shifted)(?: its (?:headquarters|head office|hq|main office|offices?))?{FROM} to (?P<v2>.{{1,60}}?)"
)
DATES = {
    "date": r"(?:launches|ships|goes live|is released|is due to (?:launch|start|open|begin|take place)|takes place|is scheduled|is planned|is set|will take place|will be held|is held|launch is|will launch|will start|will open|"
            r"starts|begins|kicks off|opens|will begin|is happening|will be launched|will be released|will go live|renews|comes out|will ship|arrives|is coming out|is going live|is launching|is starting|is opening|is taking place|meets)",
    "end": r"(?:ends|expires|finishes|closes|runs out|will end|will close|lasts until|runs until|is valid until|is open until)",
    "due": r"(?:is due|are due|must be finished|has to be finished|has to be delivered|must be delivered|is expected|must be in|must be done|has to be done|needs to be done|needs to be finished|must be submitted|is to be delivered|has to be in|is wanted|is needed)",
}  # fmt: skip
WHEN = r"(?:for |on |in |at |by |until |to |from )?"
DATED = {name: compiled(rf"{S} {verbs} {WHEN}{V}") for name, verbs in DATES.items()}
SHIFTED = compiled(
    rf"{S} (?:(?:was|has been|is|got|had to be|were|will be) (?:moved|postponed|rescheduled|pushed back|pushed|put back|brought forward|delayed|shifted|extended|deferred)|slips|slipped|has slipped|moves|moved){FROM} (?:to|until|till) {V}"
)
IN_STATE = re.compile(
    rf"^{S} (?:is|are|has been|have been|was|were|went|goes|has gone|have gone|remains|stays|became|becomes|got|came) (?:marked (?:as )?|put |set to |declared |labelled |switched to |back )?(?P<v>{'|'.join(re.escape(each) for each in sorted(STATES, key=len, reverse=True))})$",
    re.IGNORECASE,
)
PRONOUNS = frozenset(
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
DETERMINERS = frozenset(["the", "our", "a", "an", "my", "their", "its", "this", "current", "new"])
GENERIC = frozenset(
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
ARTICLE = re.compile(r"^(?:the|our|a|an|my|their|its|this|all|each|every)\s+", re.IGNORECASE)
INDEFINITE = re.compile(
    r"^(?:a|an|one|some|every|each|no|any|another|many|most|several|few|both)\s", re.IGNORECASE
)
DATED_TAIL = re.compile(r"^(.+?) (?:in|on|from|since|by|at|last|next|this|for) (.+)$")
WORD = re.compile(r"[^\W_]+(?:[.'&-][^\W_]+)*")
