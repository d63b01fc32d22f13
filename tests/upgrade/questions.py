"""Requests made before the upgrade and again after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SEARCHES: tuple[dict[str, Any], ...] = (
    {"query": "boots in the rain"},
    {"query": "boots in the rain", "search_type": "neural"},
    {"query": "boots in the rain", "search_type": "knowledge"},
    {"query": "cheap but premium feel", "search_type": "conceptual"},
    {"query": "cheap", "search_type": "conceptual", "space": "offers"},
    {"query": "", "search_type": "conceptual", "space": "offers", "target": {"price": "low", "reach": 500}},
    {"query": "", "search_type": "conceptual", "space": "offers", "concept": "quick win"},
    {"query": "", "search_type": "conceptual", "space": "few", "target": {"price": "high"}},
    {"query": "expensive wool", "space": "few"},
    {"query": "Lieferung der Jacken", "search_type": "knowledge"},
    {"query": "雨 長靴"},
    {"query": "長靴", "search_type": "knowledge"},
    {"query": "الأحذية", "search_type": "knowledge"},
    {"query": "🎉 family discount"},
    {"query": "Who decided on the budget of Mara Lindt?"},
    {"query": "what happened in March 2026"},
    {"query": "boots", "filters": {"channel": "shop"}},
    {"query": "boots", "filters": {"quarter": ["2026-Q1", "2026-Q2"], "lift": {"$gte": 0.1, "$lt": 0.5}}},
    {"query": "campaigns", "filters": {"channel": {"$exists": True}, "lift": {"$lt": 0}}},
    {"query": "sizes", "filters": {"region.name": {"$in": ["north", "south"]}}},
    {"query": "sizes", "filters": {"region.codes": 2}},
    {"query": "sizes", "filters": {"segment": {"$nin": ["vip"]}, "cost": {"$gt": 1}}},
    {"query": "money", "filters": {"confirmed": True}},
    {"query": "money", "filters": {"parts.share": 0.5}},
    {"query": "ort", "filters": {"größe": "XL"}},
    {"query": "money", "filters": {"notes": {"$eq": "n" * 300}}},
    {"query": "shop hours", "memory_type": "fact"},
    {"query": "the warehouse", "states": ["rejected"]},
    {"query": "sandals", "states": ["candidate"]},
    {"query": "influencers orders", "states": ["contested"]},
    {"query": "delivery costs", "states": ["active", "superseded"]},
    {"query": "delivery costs", "as_of": "2025-06-01T00:00:00+00:00"},
    {"query": "budget for search", "as_of": "2025-10-01T00:00:00+00:00"},
    {"query": "when does the shop open", "known_at": "{hours-known-at}"},
    {"query": "the banner", "states": ["expired"]},
    {"query": "late parcel of Jane Roe"},
    {"query": "gloves", "limit": 50},
    {"query": "paper jackets", "importance": 0.5},
    {"query": "vouchers in the rain", "limit": 2, "format": "prompt", "token_budget": 300},
)
SAMPLE_SEARCHES: tuple[dict[str, Any], ...] = (
    {"query": "what should we pay for our own brand name"},
    {"query": "which adverts worked best on paid social", "search_type": "neural"},
    {"query": "holdout region weather", "search_type": "knowledge", "limit": 20},
    {"query": "cheap with a large audience", "search_type": "conceptual"},
    {"query": "customers complain about returns", "memory_type": "feedback"},
)
MEMORIES = ("boots", "budget", "hours", "wrong", "doubtful", "old-price", "new-price", "secret", "short-lived", "lasting", "emoji", "arabic",
            "markup", "long", "derived", "proposed", "seed", "bulk", "taken-back", "umbrellas", "loyal")  # fmt: skip
DECISIONS = ("first", "second", "third", "waiting", "overturned", "unsequenced")
RUNS = ("done", "map", "failed", "waiting", "cancelled", "paused", "approved", "refused")
SPACES = ("offers", "few", "template")


@dataclass(frozen=True)
class Question:
    key: str
    method: str
    path: str
    body: Any = None


def questions(ids: dict[str, Any]) -> Iterator[Question]:
    """Yield what is asked of the dump's organisation and of the sample's; nothing of it depends on the day."""

    def get(path: str, key: str = "owner") -> Question:
        return Question(key, "GET", path)

    for body in SEARCHES:
        known_at = body.get("known_at", "").format(**ids)
        yield Question("owner", "POST", "/api/v1/search", body | ({"known_at": known_at} if known_at else {}))
    yield Question("reader", "POST", "/api/v1/search", SEARCHES[0])
    for body in SAMPLE_SEARCHES:
        yield Question("sample", "POST", "/api/v1/search", body)
    for search_type in ("hybrid", "neural", "knowledge", "conceptual"):
        yield Question(
            "blank", "POST", "/api/v1/search", {"query": "something that shows", "search_type": search_type}
        )
    for name in ("blank-white", "blank-empty", "blank-not"):
        yield get(f"/api/v1/memories/{ids[name]}", "blank")
    yield Question("owner", "POST", "/api/v1/search/batch", {"queries": ["boots", "voucher"], "limit": 3})
    yield from _of_the_seed()
    for name in MEMORIES:
        yield get(f"/api/v1/memories/{ids[name]}")
        yield get(f"/api/v1/memories/{ids[name]}/history")
    yield get("/api/v1/memories?limit=200&source=upgrade")
    yield get("/api/v1/memories?limit=200&states=rejected,superseded,expired,candidate,contested")
    yield get(f"/api/v1/memories?known_at={ids['hours-known-at'].replace('+', '%2B')}&memory_type=fact")
    yield get("/api/v1/memories?source=upgrade&external_id=boots")
    yield get(f"/api/v1/erasures/{ids['erasure']}")
    yield get(f"/api/v1/memories/bulk/{ids['job-done']}")
    for name in DECISIONS:
        path = f"/api/v1/decisions/{ids[f'decision-{name}']}"
        yield from (get(path), get(f"{path}/chain"), get(f"{path}/reviews"))
    for path in (
        "subject_id={boots}",
        "correlation_id=upgrade-boots",
        "operation=upgrade.first",
        "subject_id={bulk}",
    ):
        yield get("/api/v1/decisions?" + path.format(**ids))
    yield get("/api/v1/reviews?states=open,waiting_second,waiting_information,approved,overturned")
    yield from (
        get("/api/v1/reviews/policy"),
        get("/api/v1/calibration", "sample"),
        get("/api/v1/reviews?limit=200", "sample"),
    )
    yield from _of_spaces(ids)
    for name in RUNS:
        yield get(f"/api/v1/workflows/runs/{ids[f'run-{name}']}?items=true")
    for name in ("find-and-keep", "search-each", "with-credential", "odd-schema", "draft", "retired"):
        yield get(f"/api/v1/workflows/templates/{ids[f'template-{name}']}")
    yield get("/api/v1/workflows/runs?status=failed")
    yield get("/api/v1/workflows/templates?limit=100")
    yield from (get(f"/workflows/{ids[name]}/status") for name in ("run-seed", "run-seed-empty"))
    yield get(f"/api/v1/traces/{ids['trace']}")
    # who may not: the other organisation's rows, a scope that is lacking, a key that is revoked or none
    yield from (
        get(f"/api/v1/memories/{ids['boots']}", "sample"),
        get(f"/api/v1/decisions/{ids['decision-first']}", "sample"),
    )
    yield from (
        get("/api/v1/decisions", "proposer"),
        get("/api/v1/memories", "revoked"),
        get("/api/v1/memories", "reader"),
    )
    yield Question("owner", "POST", "/api/v1/memories", {"content": " THE warehouse burned down in may"})


def _of_the_seed() -> Iterator[Question]:
    for path in ("/search", "/search/neural", "/search/knowledge", "/search/conceptual"):
        yield Question("owner", "POST", path, {"query": "boots in the rain", "limit": 4})
    yield Question("owner", "POST", "/memory/search", {"query": "hats", "limit": 3})
    yield Question("owner", "GET", "/api/v1/search?query=boots&search_type=semantic&tags=weather&limit=3")
    for path in ("/insights", "/analytics", "/context/stats", "/conceptual-spaces", "/api/v1/recent?limit=5"):
        yield Question("owner", "GET", path)
    yield Question("sample", "GET", "/insights")


def _of_spaces(ids: dict[str, Any]) -> Iterator[Question]:
    for name in SPACES:
        path = f"/api/v1/spaces/{ids[f'space-{name}']}"
        parts = (
            "",
            "/versions",
            "/dimensions",
            "/positions?limit=200",
            "/concepts",
            "/relations",
            "/report",
            "/clusters?count=3",
        )
        yield from (Question("owner", "GET", path + part) for part in parts)
    offers, few = (f"/api/v1/spaces/{ids[f'space-{name}']}" for name in ("offers", "few"))
    for path in (
        f"{offers}/neighbours?memory={ids['cheap']}",
        f"{few}/neighbours?memory={ids['dear']}",
        f"{few}/positions?version=1",
        f"{offers}/explain?memory={ids['cheap']}&concept=quick%20win",
        f"{offers}/explain?memory={ids['dear']}&concept=luxury",
        f"{offers}/compare?first={ids['cheap']}&second={ids['dear']}&between={ids['boots']}",
        "/api/v1/spaces?limit=50",
    ):
        yield Question("owner", "GET", path)
