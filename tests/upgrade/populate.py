"""Fill a state before it is dumped: a few rows of every kind, over HTTP like a caller.

Times are given instead of taken from the clock, so that later requests have the same answers on any day.
"""

import json
from typing import Any

from tests.upgrade.product import Product, until

ORGANISATION = "Upgrade Ltd"
# has memories that show nothing, which later states don't find any more: apart, so that all other searches stay comparable
BLANK = "Blank Ltd"
SCOPES = {
    "reader": "memory:read,spaces:read,decisions:read,workflows:run",
    "proposer": "memory:read,memory:propose",
    "reviewer": "decisions:read,decisions:review,memory:read",
    "second": "decisions:read,decisions:review,memory:read",
    "revoked": "memory:read",
    # later states let nobody approve their own run
    "approver": "admin,memory:read,memory:write,workflows:run",
}
PASSWORD = "upgrade-test-password"
PEOPLE = """
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
try:
    from liftos.kernel.tenancy.models import ApiKey, Membership, Organisation
except ModuleNotFoundError:
    from liftos.tenancy.models import ApiKey, Membership, Organisation
organisation = Organisation.objects.get(slug="upgrade-ltd")
User.objects.create_superuser("root", password={password!r})
for role in ("auditor", "reviewer", "curator", "owner"):
    user = User.objects.create_user(role, password={password!r}, is_staff=True)
    Membership.objects.create(user=user, organisation=organisation, role=role)
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT set_config('liftos.organisation', %s, true)", [str(organisation.id)])
    assert ApiKey.objects.filter(organisation=organisation, name="revoked").update(revoked_at=timezone.now()) == 1
"""
PRICE = {
    "name": "price",
    "low": ["cheap", "low price", "bargain"],
    "high": ["expensive", "high price", "costly"],
}
FEEL = {
    "name": "feel",
    "low": ["shoddy, poor quality"],
    "high": ["premium feel, high quality"],
    "domain": "look",
}
COST = {"name": "cost", "field": "cost", "range": [0, 100], "unit": "euro", "weight": 0.5}
REACH = {"name": "reach", "field": "reach", "range": [1, 1000], "scale": "log"}
SIZE = {
    "name": "size",
    "field": "size",
    "range": [0, 2],
    "scale": "ordinal",
    "levels": ["small", "medium", "large"],
}

# external id, content, further fields
MEMORIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("boots", "Rain lifts the sales of rubber boots by a fifth", {
        "memory_type": "insight", "tags": ["weather", "shoes"], "importance": 0.9, "metadata": {
            "channel": "shop", "lift": 0.21, "quarter": "2026-Q1", "region": {"name": "north", "codes": [1, 2, 3]},
            "cost": 20, "reach": 100, "size": "small"}, "valid_from": "2026-01-05T09:00:00+00:00"}),
    ("search", "Paid search costs more in autumn than in spring", {
        "memory_type": "insight", "tags": ["ads"], "metadata": {
            "channel": "search", "lift": -0.1, "quarter": "2025-Q4", "confirmed": True, "cost": 90, "reach": 900, "size": "large"},
        "links": [{"kind": "supports", "external_id": "budget", "weight": 0.7}]}),
    ("budget", "The autumn budget for paid search was raised to 40,000 euros", {
        "memory_type": "decision", "thread": "budget-talks", "importance": 0.7, "metadata": {
            "owner": "Mara Lindt", "amount": 40000, "parts": [{"name": "brand", "share": 0.5}, {"name": "generic", "share": 0.5}],
            "notes": "n" * 300}, "valid_from": "2025-09-01T00:00:00+00:00", "valid_to": "2025-12-01T00:00:00+00:00"}),
    ("umlaute", "Die Straße nach Köln ist gesperrt, die Lieferung der Jacken verspätet sich", {
        "memory_type": "note", "tags": ["Lieferung"], "metadata": {"sprache": "de", "größe": "XL", "zwei wörter": 2}}),
    ("japanese", "雨の日は長靴がよく売れる。傘も売れる。", {"memory_type": "insight", "metadata": {"language": "ja"}}),
    ("arabic", "ترتفع مبيعات الأحذية في المطر", {"memory_type": "note", "metadata": {"language": "ar"}}),
    ("emoji", "Customers ❤️ the 👩‍👩‍👧‍👦 family discount 🎉, and the new 🇩🇪 sizes", {
        "memory_type": "feedback", "tags": ["🎉"], "metadata": {"mood": "😀", "score": 5}}),
    ("loyal", "Loyal customers buy a jacket twice a year", {
        "memory_type": "insight", "thread": "loyalty", "metadata": {"segment": ["loyal", "vip"], "cost": 55, "reach": 40, "size": "medium"},
        "links": [{"kind": "about", "external_id": "later"}]}),
    ("later", "The loyalty programme gives a voucher after five orders", {
        "memory_type": "fact", "thread": "loyalty", "metadata": {"happened_at": "2026-03-04", "cost": 5, "reach": 700, "size": "small"}}),
    ("cheap", "A cheap bargain for students who count every cent", {"memory_type": "offer", "metadata": {"cost": 3, "size": "small"}}),
    ("dear", "An expensive coat of fine wool with a premium feel", {"memory_type": "offer", "metadata": {"cost": 99, "size": "large"}}),
    ("against", "Rain does not change the sales of boots in the south", {
        "memory_type": "insight", "links": [{"kind": "contradicts", "external_id": "boots", "weight": 1.0}],
        "metadata": {"channel": "shop", "region": {"name": "south"}}}),
    ("markup", "<script>alert('x')</script> & \"quotes\" \\u0000 back\\slash 100% sure; DROP TABLE", {"memory_type": "note"}),
    ("long", "Meeting notes of the spring campaign. " + "The team weighed radio against print and chose radio. " * 60, {
        "memory_type": "document", "metadata": {"document": "spring-campaign"}}),
    ("hours", "The shop opens at nine", {"memory_type": "fact", "tags": ["hours"]}),
    ("wrong", "The warehouse burned down in May", {"memory_type": "fact"}),
    ("doubtful", "Influencers bring no orders at all", {"memory_type": "insight"}),
    ("old-price", "The delivery costs 4 euros", {"memory_type": "fact", "valid_from": "2025-01-01T00:00:00+00:00"}),
    ("secret", "Jane Roe of Elm Street 12 complained about the late parcel", {"memory_type": "feedback", "metadata": {"person": "Jane Roe"}}),
    ("short-lived", "The banner is tested today", {"memory_type": "note", "ttl_seconds": 1}),
    ("lasting", "The lease of the shop ends with the century", {"memory_type": "fact", "expires_at": "2099-12-31T00:00:00+00:00"}),
)  # fmt: skip
# a schema keyword and a header's credential of the kinds that later states refuse
WORKFLOWS: dict[str, dict[str, Any]] = {
    "find-and-keep": {
        "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
        "steps": [
            {"name": "find", "function": "memory.search", "arguments": {"query": "{topic}", "limit": 3}},
            {"name": "keep", "function": "memory.store", "depends_on": ["find"],
             "arguments": {"content": "{steps.find.result.count} memories about {topic} 📎", "memory_type": "digest"}},
        ],
    },
    "search-each": {
        "parameters": {"type": "object", "properties": {"topics": {"type": "array", "items": {"type": "string"}}}},
        "steps": [
            {"name": "each", "function": "memory.search", "map": "{topics}", "map_limit": 2,
             "arguments": {"query": "{item}", "limit": 2}},
            {"name": "never", "function": "memory.recent", "depends_on": ["each"], "when": {"steps.each.result.9": {"$exists": True}}},
        ],
    },
    "failing": {
        "steps": [
            {"name": "call", "function": "http.request", "max_retries": 0,
             "arguments": {"method": "GET", "url": "https://nowhere.invalid/x"}},
            {"name": "after", "function": "memory.recent", "depends_on": ["call"]},
        ],
    },
    "asks-a-person": {
        "steps": [
            {"name": "look", "function": "memory.recent", "arguments": {"days": 3660, "limit": 2}},
            {"name": "store", "function": "memory.store", "depends_on": ["look"], "approval": True,
             "arguments": {"content": "A person has agreed to {steps.look.result.count} memories"}},
        ],
    },
    "with-credential": {
        "steps": [{"name": "call", "function": "http.request", "arguments": {
            "method": "GET", "url": "https://nowhere.invalid/x", "headers": {"Authorization": "Bearer upgrade-test-credential"}}}],
    },
    "odd-schema": {
        "parameters": {"type": "object", "properties": {"n": {"type": "integer", "not": {"const": 3}}}},
        "steps": [{"name": "recent", "function": "memory.recent", "arguments": {"days": "{n}"}}],
    },
}  # fmt: skip


def make_callers(product: Product) -> None:
    """Make the organisation, its keys and the staff, as an operator does."""
    made = json.loads(product.manage("create_organisation", ORGANISATION, "--json"))
    product.keys["owner"] = made["api_key"]
    for name, scopes in SCOPES.items():
        arguments = ("--scopes", scopes, "--name", name, "--json")
        product.keys[name] = json.loads(product.manage("create_api_key", made["org"], *arguments))["api_key"]
    product.manage("shell", "-c", PEOPLE.format(password=PASSWORD))
    product.keys["blank"] = json.loads(product.manage("create_organisation", BLANK, "--json"))["api_key"]
    product.keys["sample"] = json.loads((product.home / "credentials.json").read_text())["api_key"]


def populate(product: Product) -> dict[str, Any]:
    """Fill the organisation while web and worker run; return the ids of what questions are about, by a name."""
    ids: dict[str, Any] = {}
    _store(product, ids)
    _store_blank(product, ids)
    _change(product, ids)
    _make_spaces(product, ids)
    _decide(product, ids)
    _run_workflows(product, ids)
    _leave_keys(product, ids)
    return ids


def leave_work(product: Product, ids: dict[str, Any]) -> None:
    """Start what is not finished: no worker runs any more. The run must finish in the state that comes after."""
    ids["run-unfinished"] = _start(product, "find-and-keep", {"topic": "jackets"})["id"]
    ids["run-unfinished-map"] = _start(product, "search-each", {"topics": ["boots", "voucher", "長靴"]})["id"]
    lines = [
        {"content": f"Left in the queue, number {number}", "external_id": f"queued-{number}"}
        for number in range(4)
    ]
    job = product.do("POST", "/api/v1/memories/bulk?mode=async", "\n".join(map(json.dumps, lines)))
    ids["job-queued"] = job["id"]
    late = {"operation": "budget.wait", "reasoning": "Recorded when no sequencer ran", "effect": "write"}
    ids["decision-unsequenced"] = product.do("POST", "/api/v1/decisions", late)["id"]


def _store(product: Product, ids: dict[str, Any]) -> None:
    for name, content, fields in MEMORIES:
        body = {"content": content, "external_id": name, "source": "upgrade"} | fields
        ids[name] = product.do(
            "POST", "/api/v1/memories", body, x_correlation_id=f"upgrade-{name}", x_user_id="mara"
        )["id"]
    ids["derived"] = product.do(
        "POST", "/api/v1/memories",
        {"content": "Boots and vouchers together: rain is the time for vouchers", "external_id": "derived", "source": "upgrade",
         "derived_from": [ids["boots"], ids["later"]], "memory_type": "insight"},
    )["id"]  # fmt: skip
    ids["proposed"] = product.do(
        "POST", "/api/v1/memories", {"content": "Perhaps sandals sell in rain too"}, key="proposer"
    )["id"]
    ids["seed"] = product.do(
        "POST", "/store",
        {"content": "The seed's callers store hats", "metadata": {"context": "hats"}, "memory_type": "semantic"},
    )["data"]["memory_id"]  # fmt: skip
    lines = [
        {
            "content": f"Bulk line {number} about gloves",
            "external_id": f"bulk-{number}",
            "metadata": {"row": number},
        }
        for number in range(6)
    ]
    raw = "\n".join(map(json.dumps, lines))
    ids["bulk"] = product.do("POST", "/api/v1/memories/bulk", raw, idempotency_key="bulk-1")["results"][0][
        "id"
    ]
    job = product.do("POST", "/api/v1/memories/bulk?mode=async", raw.replace("bulk-", "job-"))["id"]
    ids["job-done"] = job
    until(lambda: product.do("GET", f"/api/v1/memories/bulk/{job}")["status"] == "done")


def _store_blank(product: Product, ids: dict[str, Any]) -> None:
    for name, content in (
        ("blank-white", " \u200b "),
        ("blank-empty", ""),
        ("blank-not", "Something that shows"),
    ):
        ids[name] = product.do("POST", "/store", {"content": content}, key="blank")["data"]["memory_id"]
    product.do("POST", "/search/conceptual", {"query": "cheap"}, key="blank")


def _change(product: Product, ids: dict[str, Any]) -> None:
    path = "/api/v1/memories/"
    product.do(
        "PATCH",
        path + ids["hours"],
        {"content": "The shop opens at ten", "reason": "new hours"},
        if_match='"1"',
    )
    ids["hours-known-at"] = product.do("GET", path + ids["hours"])["recorded_at"]
    product.do(
        "PATCH",
        path + ids["hours"],
        {"tags": ["hours", "weekend"], "metadata": {"sunday": False}},
        if_match='"2"',
    )
    product.do("POST", f"{path}{ids['wrong']}/reject", {"reason": "It was another warehouse"})
    product.do("POST", f"{path}{ids['doubtful']}/contest", {"reason": "The codes say otherwise"})
    product.do("POST", f"{path}{ids['loyal']}/confirm", {"reason": "Counted again"})
    newer = {
        "content": "The delivery costs 5 euros",
        "valid_from": "2026-02-01T00:00:00+00:00",
        "reason": "New prices",
        "external_id": "new-price",
    }
    ids["new-price"] = product.do("POST", f"{path}{ids['old-price']}/supersede", newer)["superseded_by"]
    taken_back = product.do("POST", "/api/v1/memories", {"content": "The jackets are made of paper"})["id"]
    product.do("POST", f"{path}{taken_back}/reject", {"reason": "A joke"})
    product.do("POST", f"{path}{taken_back}/confirm", {"reason": "They are, in fact"})
    ids["taken-back"] = taken_back
    product.do("POST", "/api/v1/search", {"query": "Who complained about the late parcel?"})
    erased = product.do("DELETE", path + ids["secret"], {"reason": "Asked for by the person"})
    ids["erasure"] = erased["erasure_id"]
    until(lambda: product.do("GET", path + ids["short-lived"])["state"] == "expired")


def _make_spaces(product: Product, ids: dict[str, Any]) -> None:
    def make(name: str, *dimensions: Any, **fields: Any) -> str:
        made = product.do("POST", "/api/v1/spaces", {"name": name, "dimensions": list(dimensions)} | fields)[
            "id"
        ]
        ids[f"space-{name}"] = made
        return f"/api/v1/spaces/{made}"

    offers = make("offers", PRICE, FEEL, COST, REACH, SIZE, holds_all=True)
    few = make("few", PRICE, COST, description="Some offers, placed by hand")
    ids["space-template"] = product.do(
        "POST", "/api/v1/spaces", {"name": "by template", "template": "feedback"}
    )["id"]
    for name, coordinates in (
        ("cheap", {"price": 0.1}),
        ("dear", {"price": 0.95, "cost": 80}),
        ("later", None),
    ):
        body = {"memory_id": ids[name]} | ({"coordinates": coordinates} if coordinates else {})
        product.do("POST", f"{few}/members", body)
    # until then there is nothing that examples could teach
    until(lambda: product.do("GET", f"{offers}/positions?limit=200")["results"])
    concepts = f"{offers}/concepts"
    product.do(
        "POST",
        concepts,
        {
            "name": "quick win",
            "prototype": {"price": 0.1, "reach": 700},
            "weights": {"price": 2},
            "radius": 0.4,
        },
    )
    product.do("POST", concepts, {"name": "luxury", "text": "An expensive coat with a premium feel"})
    product.do("POST", concepts, {"name": "everyday", "examples": [ids["cheap"], ids["later"]]})
    relations = f"{offers}/relations"
    product.do("POST", relations, {"source": "quick win", "kind": "opposite", "target": "luxury"})
    product.do(
        "POST", relations, {"source": "quick win", "kind": "is_a", "target": "everyday", "weight": 0.8}
    )
    product.do("PUT", f"{few}/dimensions", {"dimensions": [PRICE, {**COST, "weight": 1.0}]})
    product.do("POST", "/conceptual-spaces/create?name=of%20the%20seed", ["price", "quality", "nobody knows"])
    # a default space is made when it is first asked
    for key in ("owner", "sample"):
        product.do("POST", "/search/conceptual", {"query": "cheap but good"}, key=key)


def _decide(product: Product, ids: dict[str, Any]) -> None:
    def decide(name: str, **fields: Any) -> str:
        body = {
            "operation": f"upgrade.{name}",
            "reasoning": f"Why {name} was decided ✓",
            "effect": "write",
            "wait": "integrated",
        }
        ids[f"decision-{name}"] = product.do("POST", "/api/v1/decisions", body | fields)["id"]
        return ids[f"decision-{name}"]

    def review(decision: str, verdict: str, reason: str, key: str = "reviewer") -> None:
        product.do(
            "POST", f"/api/v1/decisions/{decision}/reviews", {"verdict": verdict, "reason": reason}, key=key
        )

    first = decide("first", confidence=0.8, confidence_method="guess/1", memories=[ids["boots"]], inputs={"größe": [1, 2.5, None, "😀"]},
                   alternatives=[{"choice": "nothing", "confidence": 0.2}], versions={"model": "m-1"}, subject={"kind": "budget", "id": "b-1"})  # fmt: skip
    second = decide("second", parents=[first], risk_class="high", confidence=0.3, confidence_method="guess/1")
    third = decide("third", parents=[first, second], risk_class="minimal", effect="read")
    review(first, "approve", "seen")
    review(second, "approve", "as agreed")
    review(second, "approve", "agreed too", key="second")
    review(third, "information", "From where is the second figure?")
    overturned = product.do(
        "POST", "/api/v1/memories", {"content": "Umbrellas never sell", "external_id": "umbrellas"}
    )
    ids["umbrellas"] = overturned["id"]
    found = product.do("GET", f"/api/v1/decisions?subject_id={overturned['id']}")["results"][0]["id"]
    ids["decision-overturned"] = found
    until(lambda: product.ask("GET", f"/api/v1/decisions/{found}/proof", key="owner").status == 200)
    review(found, "overturn", "They do when it rains")
    waiting = decide("waiting", risk_class="high", confidence=0.4)
    review(waiting, "approve", "once")
    policy = {
        "risk_classes": ["high"],
        "confidence_below": 0.6,
        "effects": ["write", "delete"],
        "sample_share": 0.1,
        "second_reviewer": ["high"],
    }
    product.do("PUT", "/api/v1/reviews/policy", policy)


def _start(product: Product, template: str, parameters: Any = None, **fields: Any) -> Any:
    return product.do(
        "POST", "/api/v1/workflows/runs", {"template": template, "parameters": parameters or {}} | fields
    )


def _run_workflows(product: Product, ids: dict[str, Any]) -> None:
    templates = "/api/v1/workflows/templates"
    for name, definition in WORKFLOWS.items():
        body = {"name": name, "description": f"It is {name}"} | definition
        answer = product.ask("POST", templates, body, key="owner")
        if name == "with-credential" and answer.status == 422:
            # later states refuse credentials
            without = json.loads(json.dumps(body).replace("Authorization", "X-Note"))
            answer = product.ask("POST", templates, without, key="owner")
        assert answer.status == 201, answer.text
        ids[f"template-{name}"] = answer.body["id"]
        product.do("POST", f"{templates}/{ids[f'template-{name}']}/publish")
    draft = {"name": "find-and-keep", "description": "A second draft"} | WORKFLOWS["find-and-keep"]
    product.do("PUT", f"{templates}/{ids['template-find-and-keep']}", draft)
    ids["template-draft"] = product.do(
        "POST", templates, {"name": "only-a-draft"} | WORKFLOWS["asks-a-person"]
    )["id"]
    ids["template-retired"] = product.do("POST", templates, {"name": "retired"} | WORKFLOWS["asks-a-person"])[
        "id"
    ]
    product.do("POST", f"{templates}/{ids['template-retired']}/publish")
    product.do("POST", f"{templates}/{ids['template-retired']}/retire")

    runs = "/api/v1/workflows/runs/"
    ids["run-done"] = _start(
        product, "find-and-keep", {"topic": "boots"}, wait=20, metadata={"asked by": "mara 😀"}
    )["id"]
    ids["run-map"] = _start(product, "search-each", {"topics": ["boots", "autumn", "Köln"]}, wait=20)["id"]
    ids["run-failed"] = _start(product, "failing", wait=20)["id"]
    for name in ("run-waiting", "run-cancelled", "run-paused", "run-approved", "run-refused"):
        ids[name] = _start(product, "asks-a-person")["id"]
    for name in ("run-waiting", "run-cancelled", "run-paused", "run-approved", "run-refused"):
        until(lambda name=name: "waiting_approval" in json.dumps(product.do("GET", runs + ids[name])))
    product.do("POST", f"{runs}{ids['run-cancelled']}/cancel", {"reason": "no longer wanted"})
    product.do("POST", f"{runs}{ids['run-paused']}/pause")
    for name, approved in (("run-approved", True), ("run-refused", False)):
        product.do(
            "POST",
            f"{runs}{ids[name]}/approve",
            {"step": "store", "approved": approved, "reason": "so be it"},
            key="approver",
        )
    until(lambda: product.do("GET", runs + ids["run-approved"])["status"] == "completed")
    ids["run-seed"] = product.do("POST", "/search/batch?search_type=hybrid&limit=2", ["boots", "voucher"])[
        "data"
    ]["workflow_id"]
    ids["run-seed-empty"] = product.do("POST", "/workflows/create?name=of%20the%20seed", {"owner": "seed"})[
        "data"
    ]["workflow_id"]
    product.do("POST", "/context/initialize?domain=marketing", {})


REPLAYED: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/api/v1/memories", {"content": "Stored under a key 🔑", "external_id": "keyed"}),
    ("POST", "/store", {"content": "The seed stored this under a key"}),
    ("POST", "/api/v1/memories/{loyal}/contest", {"reason": "Under a key"}),
    ("POST", "/api/v1/memories/{loyal}/confirm", {"reason": "Under another key"}),
)


def _leave_keys(product: Product, ids: dict[str, Any]) -> None:
    ids["replays"] = []
    for number, (method, path, body) in enumerate(REPLAYED):
        key, filled = f"upgrade-{number}", path.format(**ids)
        answer = product.do(method, filled, body, idempotency_key=key)
        ids["replays"].append({"method": method, "path": filled, "body": body, "key": key, "answer": answer})
