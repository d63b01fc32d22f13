"""Following and rebuilding a log from outside: tiles, consistency, exports, the offline verifier."""

import base64
import gzip
import io
import json
import logging
import subprocess
import sys
from hashlib import sha256

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accountability.errors import NoSuchTile
from accountability.ledger import verifier
from accountability.ledger.sequencer import drain
from accountability.ledger.tiles import Tile, parse_tile
from accountability.merkle import node_hash, root_hash
from accountability.models import LedgerLeaf
from liftos.bench.accountability.decisions import record_one
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.logs import ContextFilter, SecretlessFormatter
from liftos.kernel.tenancy.operations import create_api_key, revoke_api_key
from liftos.kernel.tenancy.types import ALL_SCOPES, LOG_TOKEN_SCOPES, SYSTEM
from tests.factories.erasures import record_about, scrub

RECORDS = 600


@pytest.fixture
def token(acme):
    _, made = create_api_key(
        organisation=acme.organisation, by=SYSTEM, name="monitor", scopes=LOG_TOKEN_SCOPES
    )
    return made


@pytest.fixture
def log(acme, token):
    """A log of 600 records with checkpoints on the way; what fetches below its prefix."""
    with tenant_transaction(acme.organisation):
        for number in range(RECORDS - 3):
            record_one(acme.organisation, number)
            if number == 299:
                drain(organisation=acme.organisation)
    drain(organisation=acme.organisation)
    client = Client(raise_request_exception=False)
    return lambda path, **headers: client.get(f"/api/v1/ledger/{token}/{path}", headers=headers)


def hashes(response):
    assert response.status_code == 200, response.content
    return [response.content[place : place + 32] for place in range(0, len(response.content), 32)]


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", Tile(0, 0, 256)),
        ("0/x001/x234/067", Tile(0, 1_234_067, 256)),
        ("63/005.p/255", Tile(63, 5, 255)),
        ("entries/x001/000.p/1", Tile(-1, 1000, 1)),
    ],
)
def test_paths_are_read(path, tile):
    assert parse_tile(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/0000", "00/000", "01/000", "64/000", "-1/000", "0/x000/005", "0/001/002", "0/x001", "0/000.p/0",
        "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000/", "0/000.p/1/2", "entry/000", "0/\u0660\u0660\u0660", "0/x1/000", "0/000\n",
        "0/x999/x999/x999/x999/x999/x999/999",
    ],
)  # fmt: skip
def test_other_paths_name_no_tile(path):
    with pytest.raises(NoSuchTile):
        parse_tile(path)


def test_a_monitor_rebuilds_the_log_from_tiles(acme, log):
    checkpoint = log("checkpoint")
    assert (checkpoint["content-type"], checkpoint["cache-control"]) == (
        "text/plain; charset=utf-8",
        "no-cache",
    )
    _, size, root = checkpoint.content.decode().split("\n")[:3]
    assert int(size) == RECORDS
    leaves = [*hashes(log("tile/0/000")), *hashes(log("tile/0/001")), *hashes(log("tile/0/002.p/88"))]
    assert len(leaves) == RECORDS
    assert base64.b64encode(root_hash(leaves)).decode() == root
    with tenant_transaction(acme.organisation):
        stored = LedgerLeaf.objects.order_by("index").values_list("leaf_hash", flat=True)
        assert leaves == [bytes(each) for each in stored]
    above = hashes(log("tile/1/000.p/2"))
    assert above == [root_hash(leaves[:256]), root_hash(leaves[256:512])]
    assert node_hash(*above) == root_hash(leaves[:512])


def test_entries_hash_to_their_leaves_and_say_nothing_of_payloads(log):
    leaves = hashes(log("tile/0/001"))
    plain, packed = log("tile/entries/001"), log("tile/entries/001", **{"accept-encoding": "br, gzip"})
    assert packed["content-encoding"] == "gzip"
    assert "content-encoding" not in plain
    assert gzip.decompress(packed.content) == plain.content
    rest, entries = plain.content, []
    while rest:
        length = int.from_bytes(rest[:2])
        entries.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    assert [sha256(b"\0" + each).digest() for each in entries] == leaves
    assert b"Chose" not in plain.content
    assert "payload_commitment" in json.loads(entries[0])


def test_full_tiles_are_cached_for_ever(log):
    for path in ("tile/0/000", "tile/entries/000"):
        answer = log(path)
        assert "immutable" in answer["cache-control"]
        assert answer["content-type"] == "application/octet-stream"
        assert log(path, accept="application/octet-stream").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["tile/0/002", "tile/0/003.p/1", "tile/0/002.p/89", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1", "tile/8/000.p/1",
     "tile/63/000", "tile/entries/002", "tile/0/x999/x999/x999/x999/x999/999", "tile/0/zero", "tile/entries/000.p/300"],
)  # fmt: skip
def test_what_the_checkpoint_does_not_reach_is_404(log, path):
    answer = log(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "accountability.no_such_tile")


def test_unknown_parameters_are_refused(log):
    assert log("tile/0/000?width=3").status_code == 422


def test_a_token_opens_one_log_and_nothing_else(acme, rival, token, log):
    client = Client()
    with_token = {"authorization": f"Bearer {token}"}
    assert client.get("/api/v1/decisions", headers=with_token).status_code == 401
    assert (
        client.post("/search", "{}", content_type="application/json", headers=with_token).status_code == 401
    )
    assert acme.get(f"/api/v1/ledger/{acme.token}/checkpoint").status_code == 401
    assert acme.get("/api/v1/ledger/nobody/checkpoint").status_code == 401
    _, everything = create_api_key(
        organisation=acme.organisation, by=SYSTEM, name="both", scopes=ALL_SCOPES | LOG_TOKEN_SCOPES
    )
    assert client.get(f"/api/v1/ledger/{everything}/checkpoint").status_code == 401
    drain(organisation=rival.organisation)
    own = rival.get("/api/v1/ledger/checkpoint").json()["checkpoint"]
    assert log("checkpoint").content.decode() != own


def test_a_revoked_token_opens_nothing(acme):
    key, token = create_api_key(organisation=acme.organisation, by=SYSTEM, scopes=LOG_TOKEN_SCOPES)
    drain(organisation=acme.organisation)
    revoke_api_key(organisation=acme.organisation, by=SYSTEM, key=key.id, now=timezone.now())
    assert Client().get(f"/api/v1/ledger/{token}/checkpoint").status_code == 401


def test_a_token_in_a_path_is_not_logged(log, token, caplog):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    settings_of = settings.LOGGING["formatters"]["json"]
    handler.setFormatter(SecretlessFormatter(settings_of["fmt"]))
    handler.addFilter(ContextFilter())
    logger = logging.getLogger("liftos.http")
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "liftos.http"):
            assert log("tile/0/000").status_code == 200
    finally:
        logger.removeHandler(handler)
    told = written.getvalue()
    prefix, secret = token[: len("liftos_") + 12], token[len("liftos_") + 13 :]
    assert f"{prefix}_.../tile/0/000" in told
    assert secret not in told


def run(tmp_path, *arguments, **files):
    for name, text in files.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_served_verifier_checks_proof_consistency_and_export(acme, tmp_path):
    program = Client().get("/api/v1/ledger/verifier.py")
    assert program["content-type"].startswith("text/x-python")
    (tmp_path / "verifier.py").write_bytes(program.content)
    memory = acme.store("Ann earns 5,000 a month")
    drain(organisation=acme.organisation)
    earlier = acme.get("/api/v1/ledger/checkpoint").json()
    acme.post(
        "/api/v1/decisions", {"operation": "o", "reasoning": "ž", "confidence": 1, "versions": {"m": 1.5}}
    )
    acme.delete(f"/api/v1/memories/{memory}")
    drain(organisation=acme.organisation)
    head = acme.get("/api/v1/ledger/checkpoint").json()
    key = ("--key", head["key"])

    [decision, *_] = acme.get("/api/v1/decisions").json()["results"]
    proof = acme.get(f"/api/v1/decisions/{decision['id']}/proof?disclose=true").content
    told = run(tmp_path, "proof.json", *key, **{"proof.json": proof})
    assert told.stdout.startswith("VERIFIED: decision"), told.stderr

    grown = acme.get(f"/api/v1/ledger/consistency?from={earlier['size']}").content
    files = {"grown.json": grown, "kept.txt": earlier["checkpoint"]}
    told = run(tmp_path, "grown.json", "--since", "kept.txt", *key, **files)
    assert f"of {head['size']} records extends that of {earlier['size']}" in told.stdout, told.stderr
    assert run(tmp_path, "grown.json", *key).returncode == 0

    export = b"".join(acme.get("/api/v1/decisions/export").streaming_content)
    files = {"export.jsonl": export, "head.txt": head["checkpoint"]}
    told = run(tmp_path, "export.jsonl", "--checkpoint", "head.txt", *key, **files)
    assert told.stdout.startswith(f"VERIFIED: {head['size']} records are the log"), told.stderr
    assert "1 payloads erased, 0 records beyond the checkpoint" in told.stdout


@pytest.fixture
def exported(acme):
    memory = acme.store("Ann earns 5,000 a month")
    gone = record_about(acme.organisation, memory)
    scrub(acme.organisation, memory)
    drain(organisation=acme.organisation)
    head = acme.get("/api/v1/ledger/checkpoint").json()
    lines = b"".join(acme.get("/api/v1/decisions/export").streaming_content).splitlines()
    return [json.loads(line) for line in lines], head, str(gone)


def check(lines, head, **options):
    return verifier.verify_export(
        [json.dumps(each).encode() for each in lines], head["checkpoint"], head["key"], **options
    )


def test_an_export_holds(exported):
    lines, head, _ = exported
    found = check(lines, head)
    assert (found.size, found.erased, found.waiting) == (head["size"], 2, 0)


def test_alteration_of_an_export_is_named(exported):
    lines, head, gone = exported

    def told(change):
        copy = json.loads(json.dumps(lines))
        change(copy)
        with pytest.raises(verifier.NotVerified) as error:
            check(copy, head)
        return str(error.value)

    def unlist(copy):
        # the erasure's own payload goes too, so that nothing lists any
        for each in copy:
            if each["operation"] == "memory.delete":
                each["salt"] = None

    assert told(lambda copy: copy.pop(1)) == "record 1 of the log is missing"
    assert told(lambda copy: copy[0].update(operation="other")) == "line 1: operation does not match its leaf"
    assert "payload does not match" in told(lambda copy: copy[0].update(reasoning="other"))
    assert "and no erasure lists it" in told(unlist)
    assert told(lambda copy: copy[0].update(salt=None)).startswith("the payload of decision")
    assert "occurs twice" in told(lambda copy: copy[1].update(index=0))
    swapped = lambda copy: (copy[0].update(index=1), copy[1].update(index=0))
    assert told(swapped) == "the records do not lead to the checkpoint's root"
    assert gone in {each["id"] for each in lines if each["salt"] is None}


def test_consistency_that_does_not_hold_is_refused(acme):
    drain(organisation=acme.organisation)
    first = acme.get("/api/v1/ledger/checkpoint").json()
    for number in range(9):
        acme.post("/api/v1/decisions", {"operation": "o", "reasoning": str(number)})
        drain(organisation=acme.organisation)
    bundle = acme.get(f"/api/v1/ledger/consistency?from={first['size']}").json()
    key = first["key"]
    verifier.verify_consistency_bundle(json.dumps(bundle).encode(), key, since=first["checkpoint"])
    for change in (
        {"proof": bundle["proof"][:-1]},
        {"proof": [*bundle["proof"], bundle["root1"]]},
        {"proof": [bundle["root2"], *bundle["proof"][1:]]},
        {"root1": bundle["root2"]},
        {"size1": 1},
        {"checkpoint1": bundle["checkpoint2"]},
        {"checkpoint1": None},
        {"checkpoint2": None},
        {"format": "liftos-proof/1"},
        {"more": 1},
    ):
        with pytest.raises(verifier.NotVerified):
            verifier.verify_consistency_bundle(json.dumps(bundle | change).encode(), key)
    for size in range(first["size"], first["size"] + 9):
        between = acme.get(f"/api/v1/ledger/consistency?from={size}").content
        assert verifier.verify_consistency_bundle(between, key).size1 == size


def test_the_log_is_verified_by_request(acme):
    acme.store("x")
    drain(organisation=acme.organisation)
    told = acme.get("/api/v1/ledger/verification").json()
    assert told["holds"] is True
    assert told["records"] == acme.get("/api/v1/ledger/checkpoint").json()["size"]


def test_a_record_too_long_for_an_entry_is_refused(acme):
    body = {"operation": "o", "reasoning": "r", "versions": {"model": "x" * 65_000}}
    answer = acme.post("/api/v1/decisions", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "accountability.record_too_long")
    assert answer.json()["errors"][0]["loc"][-1] == "versions"
    assert acme.get("/api/v1/decisions?operation=o").json()["results"] == []
