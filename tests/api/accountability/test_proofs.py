"""Decisions of callers, their chains, and what outsiders verify."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from accountability import merkle
from accountability.ledger import verifier
from accountability.ledger.verifier import NotVerified, verify_bundle
from tests.api.routes import NOBODYS_ID

DECISIONS = "/api/v1/decisions"


def record(caller, **fields):
    response = caller.post(
        DECISIONS, {"operation": "agent.plan", "reasoning": "it was the cheapest"} | fields
    )
    assert response.status_code == 201, response.content
    return response.json()["id"]


def proof(caller, decision, query="?wait=integrated"):
    response = caller.get(f"{DECISIONS}/{decision}/proof{query}")
    assert response.status_code == 200, response.content
    return response


def key(caller):
    return caller.get("/api/v1/ledger/checkpoint").json()["key"]


def test_an_agent_records_a_decision_and_reads_it(acme):
    memory = acme.store("boots sell in rain")
    fields = {
        "inputs": {"weather": "rain"},
        "outputs": {"budget": 100},
        "alternatives": [{"budget": 50}],
        "confidence": 0.7,
        "confidence_method": "ensemble",
        "versions": {"model": "planner-3"},
        "memories": [memory, {"id": memory, "score": 0.5}],
        "risk_class": "limited",
    }
    decision = record(acme, **fields)
    read = acme.get(f"{DECISIONS}/{decision}").json()
    assert {name: read[name] for name in fields} | {"memories": None} == fields | {"memories": None}
    assert read["memories"] == [{"id": memory}, {"id": memory, "score": 0.5}]
    assert (read["actor_kind"], read["operation"]) == ("api_key", "agent.plan")


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"confidence": 1.5}, ["body", "confidence"]),
        ({"confidence": -0.1}, ["body", "confidence"]),
        ({"reasoning": ""}, ["body", "reasoning"]),
        ({"operation": ""}, ["body", "operation"]),
        ({"risk_class": "none"}, ["body", "risk_class"]),
        ({"parents": ["x"]}, ["body", "parents", 0]),
        ({"parents": [NOBODYS_ID]}, ["body", "parents", 0]),
    ],
)
def test_a_field_at_fault_is_named(acme, fields, loc):
    response = acme.post(DECISIONS, {"operation": "o", "reasoning": "r"} | fields)
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == loc


def test_another_organisations_decision_is_refused_as_parent(acme, rival):
    response = rival.post(DECISIONS, {"operation": "o", "reasoning": "r", "parents": [record(acme)]})
    assert response.status_code == 422


def test_a_chain_shows_what_came_before_and_after(acme):
    root = record(acme)
    left, right = record(acme, parents=[root]), record(acme, parents=[root])
    end = record(acme, parents=[left, right])
    record(acme)
    steps = acme.get(f"{DECISIONS}/{left}/chain").json()["results"]
    assert [(step["distance"], step["decision"]["id"]) for step in steps] == [(-1, root), (0, left), (1, end)]
    from_root = acme.get(f"{DECISIONS}/{root}/chain").json()["results"]
    assert [step["distance"] for step in from_root] == [0, 1, 1, 2]


def test_an_outsider_verifies_a_record(acme):
    bundle = proof(acme, record(acme)).content
    found = verify_bundle(bundle, key(acme))
    assert found.decision == json.loads(bundle)["record"]["id"]
    assert not found.disclosed


def test_a_disclosed_payload_is_verified_too(acme):
    bundle = proof(acme, record(acme), "?wait=integrated&disclose=true").content
    assert json.loads(bundle)["disclosure"]["payload"]["reasoning"] == "it was the cheapest"
    assert verify_bundle(bundle, key(acme)).disclosed
    with pytest.raises(NotVerified):
        verify_bundle(bundle.replace(b"cheapest", b"greenest"), key(acme))


@pytest.mark.parametrize("part", ["leaf", "proof", "checkpoint", "record", "index", "size"])
def test_whatever_is_altered_is_refused(acme, part):
    for _ in range(3):
        record(acme)
    bundle = proof(acme, record(acme)).json()
    changes = {
        "leaf": lambda text: base64.b64encode(base64.b64decode(text).replace(b"agent", b"anger")).decode(),
        "proof": lambda hashes: hashes[::-1],
        "checkpoint": lambda text: text.replace("\n6\n", "\n7\n").replace("A", "B", 1),
        "record": lambda value: value | {"actor_id": "somebody"},
        "index": lambda index: index - 1,
        "size": lambda size: size + 1,
    }
    altered = bundle | {part: changes[part](bundle[part])}
    assert altered != bundle
    with pytest.raises(NotVerified):
        verify_bundle(json.dumps(altered).encode(), key(acme))


def test_the_verifier_alone_is_enough(acme, tmp_path):
    (tmp_path / "proof.json").write_bytes(proof(acme, record(acme)).content)
    copy = tmp_path / "verifier.py"
    copy.write_text(Path(verifier.__file__).read_text())
    command = [sys.executable, "-I", str(copy), str(tmp_path / "proof.json"), "--key", key(acme)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    command[-1] = command[-1].replace("liftos", "other", 1)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_pending_record_is_409_and_says_so(acme):
    response = acme.get(f"{DECISIONS}/{record(acme)}/proof")
    assert response.status_code == 409
    assert response.json()["code"] == "accountability.not_integrated"


def test_wait_integrated_at_recording_gives_the_place(acme):
    response = acme.post(DECISIONS, {"operation": "o", "reasoning": "r", "wait": "integrated"})
    assert response.json()["index"] == acme.get("/api/v1/ledger/checkpoint").json()["size"] - 1
    response = acme.post(f"{DECISIONS}?wait=integrated", {"operation": "o", "reasoning": "r"})
    assert response.json()["index"] == acme.get("/api/v1/ledger/checkpoint").json()["size"] - 1
    assert acme.post(f"{DECISIONS}?wait=ages", {"operation": "o", "reasoning": "r"}).status_code == 422


def test_a_growing_log_is_shown_to_be_consistent(acme):
    sizes = []
    for _ in range(3):
        proof(acme, record(acme))
        sizes.append(acme.get("/api/v1/ledger/checkpoint").json()["size"])
    answer = acme.get(f"/api/v1/ledger/consistency?from={sizes[0]}&to={sizes[2]}").json()
    hashes = [base64.b64decode(each) for each in answer["proof"]]
    roots = [base64.b64decode(answer[name]) for name in ("root1", "root2")]
    assert merkle.verify_consistency(answer["size1"], answer["size2"], hashes, *roots)
    assert answer["root2"] == acme.get("/api/v1/ledger/checkpoint").json()["root"]


@pytest.mark.parametrize("query", ["from=0", "from=5&to=2", "from=1&to=999", "", "from=x", "from=1&to=-1"])
def test_impossible_sizes_are_422(acme, query):
    proof(acme, record(acme))
    response = acme.get(f"/api/v1/ledger/consistency?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"][0] == "query"


def test_an_empty_log_has_no_checkpoint(acme):
    assert acme.get("/api/v1/ledger/checkpoint").status_code == 404


@pytest.mark.parametrize("path", ["", "/chain", "/proof", "/proof?wait=integrated"])
def test_another_organisations_decision_is_404(acme, rival, path):
    assert rival.get(f"{DECISIONS}/{record(acme)}{path}").status_code == 404


def test_export_has_all_own_decisions_oldest_first(acme, rival):
    record(rival)
    mine = [record(acme) for _ in range(3)]
    lines = b"".join(acme.get(f"{DECISIONS}/export").streaming_content).splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert ids[-3:] == mine
    assert ids == sorted(ids)
    assert len(ids) == 5


def test_from_a_correlation_id_to_decision_receipt_and_back(acme):
    memory = acme.store("boots sell in rain")
    answer = acme.post("/api/v1/search", {"query": "boots"}, **{"x-correlation-id": "order-17"})
    (found,) = acme.get(f"{DECISIONS}?correlation_id=order-17").json()["results"]
    assert found["id"] == answer.json()["decision_id"]
    assert found["trace_id"] == answer["X-Trace-Id"]
    assert found["memories"][0]["id"] == memory


def exported(caller, form):
    response = caller.get(f"/api/v1/decisions/export?format={form}")
    assert response.status_code == 200
    return json.loads(b"".join(response.streaming_content))


def test_prov_export_names_agents_activities_and_entities(acme, rival):
    memory = acme.store("otters hold hands")
    parent = acme.post("/api/v1/decisions", {"operation": "plan", "reasoning": "it was due"}).json()["id"]
    body = {
        "operation": "act", "reasoning": "the plan says so", "parents": [parent], "confidence": 0.25,
        "memories": [{"id": memory, "score": 0.5, "version": "3"}],
        "effect": "write", "subject": {"kind": "campaign", "id": "spring / 1"},
    }  # fmt: skip
    made = acme.post("/api/v1/decisions", body, **{"x-user-id": "ann@example.com"}).json()["id"]
    document = exported(acme, "prov")
    assert set(document) == {"prefix", "bundle"}
    bundle = document["bundle"][f"bundle:{made}"]
    activity = f"decision:{made}"
    assert bundle["activity"][activity]["prov:type"] == "liftos:act"
    assert bundle["entity"][f"record:{made}"]["liftos:reasoning"] == "the plan says so"
    assert bundle["entity"][f"record:{made}"]["liftos:confidence"] == 0.25
    assert bundle["entity"][f"thing:memory/{memory}"] == {
        "prov:type": "liftos:memory", "liftos:score": 0.5, "liftos:version": "3",
    }  # fmt: skip
    assert list(bundle["used"].values()) == [
        {"prov:activity": activity, "prov:entity": f"thing:memory/{memory}"}
    ]
    assert list(bundle["wasInformedBy"].values()) == [
        {"prov:informed": activity, "prov:informant": f"decision:{parent}"}
    ]
    generated = {each["prov:entity"] for each in bundle["wasGeneratedBy"].values()}
    assert generated == {f"record:{made}", "thing:campaign/spring%20%2F%201"}
    [delegation] = bundle["actedOnBehalfOf"].values()
    assert delegation["prov:responsible"] == "agent:user/ann%40example.com"
    # every name is one of a known prefix, or of the bundle alone
    known = set(document["prefix"])
    for each in document["bundle"].values():
        for statements in each.values():
            assert {name.partition(":")[0] for name in statements} <= known | {"_"}
    listed = [json.loads(line) for line in acme.get("/api/v1/decisions/export").streaming_content]
    assert [f"bundle:{row['id']}" for row in listed] == list(document["bundle"])
    assert list(exported(rival, "prov")["bundle"]) != list(document["bundle"])


def test_an_unknown_form_of_export_is_422(acme):
    response = acme.get("/api/v1/decisions/export?format=xml")
    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["query", "format"]
