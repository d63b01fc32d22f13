import base64
import copy
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from accountability.canonical import canonicalise
from accountability.ledger import verifier
from accountability.ledger.checkpoint import Checkpoint, make_vkey, sign
from accountability.ledger.verifier import NotVerified, Verified, main, verify_bundle
from accountability.merkle import EMPTY_ROOT, inclusion_proof, leaf_hash, root_hash

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"test key").digest())
NAME = ORIGIN = "liftos.example/acme"
VKEY = make_vkey(NAME, KEY.public_key().public_bytes_raw())
SALT = hashlib.sha256(b"salt").digest()
PAYLOAD = {"reasoning": "closest of three, by 0.25", "inputs": {"query": "café"}, "scores": [0.5, 1.0]}
INDEX, SIZE = 5, 13


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def make_bundle(**record) -> dict:
    record = {
        "id": "0199e1a0-7c1e-7000-8000-000000000001",
        "operation": "memory.search",
        "confidence": 0.75,
        "payload_commitment": encode(hashlib.sha256(SALT + canonicalise(PAYLOAD)).digest()),
        **record,
    }
    leaf = canonicalise(record)
    leaves = [leaf_hash(leaf if place == INDEX else bytes([place])) for place in range(SIZE)]
    return {
        "format": "liftos-proof/1",
        "record": record,
        "leaf": encode(leaf),
        "index": INDEX,
        "size": SIZE,
        "proof": [encode(node) for node in inclusion_proof(leaves, INDEX)],
        "checkpoint": sign(Checkpoint(ORIGIN, SIZE, root_hash(leaves)), NAME, KEY),
        "disclosure": {"salt": encode(SALT), "payload": PAYLOAD},
    }


BUNDLE = make_bundle()


def dump(bundle) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()


def altered(**fields) -> dict:
    return {**copy.deepcopy(BUNDLE), **fields}


def run(tmp_path: Path, bundle: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the verifier isolated from the project and its packages."""
    script = tmp_path / "verifier.py"
    shutil.copy(verifier.__file__, script)
    (tmp_path / "proof.json").write_bytes(bundle)
    return subprocess.run(
        [sys.executable, "-I", "-S", script, "proof.json", *arguments],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_a_proof_verifies_on_another_machine(tmp_path):
    done = run(tmp_path, dump(BUNDLE), "--key", VKEY, "--origin", ORIGIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "VERIFIED: decision 0199e1a0-7c1e-7000-8000-000000000001",
        "  log     liftos.example/acme, signed by liftos.example/acme",
        "  leaf    5 of 13",
        f"  root    {BUNDLE['checkpoint'].splitlines()[2]}",
        "  payload matches its commitment",
    ]


def test_broken_proof_is_reported_in_one_line(tmp_path):
    done = run(tmp_path, dump(altered(index=6)), "--key", VKEY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "NOT VERIFIED: the inclusion proof does not lead to the checkpoint's root\n"


def test_verifier_imports_only_the_standard_library(tmp_path):
    probe = f"import runpy, sys; runpy.run_path({verifier.__file__!r}); print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots - {"__main__", "__mp_main__"} <= sys.stdlib_module_names


def test_missing_file_is_not_verified(tmp_path, capsys):
    assert main([str(tmp_path / "none.json"), "--key", VKEY]) == 1
    assert capsys.readouterr().err.startswith("NOT VERIFIED: the bundle cannot be read")


def test_the_command_answers_like_the_function(tmp_path, capsys):
    path = tmp_path / "proof.json"
    path.write_bytes(dump({key: value for key, value in BUNDLE.items() if key != "disclosure"}))
    assert main([str(path), "--key", VKEY]) == 0
    assert "not disclosed" in capsys.readouterr().out
    assert main([str(path), "--key", VKEY, "--origin", "another.example"]) == 1
    assert "another log's" in capsys.readouterr().err


def test_verified_facts_are_returned():
    found = verify_bundle(dump(BUNDLE), VKEY, origin=ORIGIN)
    root = BUNDLE["checkpoint"].splitlines()[2]
    assert found == Verified(BUNDLE["record"]["id"], ORIGIN, INDEX, SIZE, root, NAME, True)


def test_spacing_and_key_order_do_not_matter():
    shuffled = dict(reversed(BUNDLE.items()))
    assert verify_bundle(json.dumps(shuffled, indent=4).encode(), VKEY).disclosed


def test_doubles_beyond_integers_verify():
    numbers = {"large": 1e20, "larger": 1e300, "small": 1e-7, "zero": -0.0, "whole": 3.0}
    bundle = make_bundle(numbers=numbers)
    assert verify_bundle(dump(bundle), VKEY)
    assert verify_bundle(canonicalise(bundle), VKEY)


def test_output_escapes_control_characters(tmp_path, capsys):
    path = tmp_path / "proof.json"
    path.write_bytes(dump(make_bundle(id="\x1b[2Jé")))
    assert main([str(path), "--key", VKEY]) == 0
    assert "VERIFIED: decision '\\x1b[2J\\xe9'\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("bundle", "failure"),
    [
        (altered(format="liftos-proof/2"), "format"),
        (altered(extra=1), "unknown"),
        ({key: value for key, value in BUNDLE.items() if key != "leaf"}, "lacks a field"),
        ([], "format"),
        (altered(index="5"), "type"),
        (altered(index=True), "type"),
        (altered(index=5.0), "type"),
        (altered(proof={}), "type"),
        (altered(record=[]), "type"),
        (altered(record={**BUNDLE["record"], "confidence": 0.5}), "canonical form"),
        (altered(record={**BUNDLE["record"], "confidence": 2**53}), "canonical form"),
        (altered(leaf=encode(base64.b64decode(BUNDLE["leaf"]) + b" ")), "canonical form"),
        (altered(leaf=BUNDLE["leaf"] + "\n"), "leaf is not base64"),
        (altered(leaf=None), "leaf is not base64"),
        (altered(proof=[1]), "proof is not base64"),
        (altered(index=SIZE), "outside the log"),
        (altered(index=-1), "outside the log"),
        (altered(size=14), "another size"),
        (altered(proof=BUNDLE["proof"][:-1]), "too short"),
        (altered(proof=BUNDLE["proof"] * 2), "malformed"),
        (altered(proof=["", *BUNDLE["proof"][1:]]), "malformed"),
        (altered(proof=BUNDLE["proof"][::-1]), "root"),
        (altered(checkpoint=BUNDLE["checkpoint"].replace("\n13\n", "\n14\n")), "signature is wrong"),
        (altered(checkpoint=""), "checkpoint is malformed"),
        (altered(disclosure=None), "disclosure is malformed"),
        (altered(disclosure={"salt": encode(SALT)}), "disclosure is malformed"),
        (altered(disclosure={"salt": encode(SALT[:8]), "payload": PAYLOAD}), "too short"),
        (altered(disclosure={"salt": encode(SALT[::-1]), "payload": PAYLOAD}), "does not match"),
        (altered(disclosure={"salt": encode(SALT), "payload": {**PAYLOAD, "more": 1}}), "does not match"),
        (make_bundle(payload_commitment=None), "no payload commitment"),
        (make_bundle(id=7), "no id"),
    ],
)
def test_every_claim_is_checked(bundle, failure):
    with pytest.raises(NotVerified, match=failure):
        verify_bundle(dump(bundle), VKEY)


@pytest.mark.parametrize(
    "bundle",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        dump(BUNDLE) + b"}",
        dump(BUNDLE).replace(b'"index":5', b'"index":5,"index":5'),
        dump(BUNDLE).replace(b"0.75", b"NaN"),
        dump(BUNDLE).replace(b"0.75", b"1e999"),
        dump(BUNDLE).replace(b'"index":5', b'"index":' + b"9" * 5000),
        dump(BUNDLE).replace(b"0.75", b"9" * 1000),
    ],
)
def test_ambiguous_json_is_refused(bundle):
    with pytest.raises(NotVerified):
        verify_bundle(bundle, VKEY)


def test_every_altered_byte_of_a_bundle_is_refused():
    data = dump(BUNDLE)
    for place in range(len(data)):
        mask = 1 << place % 8
        with pytest.raises(NotVerified):
            verify_bundle(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :], VKEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        VKEY + "A",
        VKEY.replace("+", " ", 1),
        "x" + VKEY,
        VKEY.replace(VKEY.split("+")[1], "00000000"),
        f"{NAME}+{VKEY.split('+')[1]}+{encode(bytes(33))}",
        "\ud800" + VKEY,
    ],
)
def test_a_malformed_key_is_refused(vkey):
    with pytest.raises(NotVerified, match="verifier key"):
        verify_bundle(dump(BUNDLE), vkey)


def test_another_key_is_refused():
    other = (
        Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"other").digest())
        .public_key()
        .public_bytes_raw()
    )
    with pytest.raises(NotVerified, match="not signed by the given key"):
        verify_bundle(dump(BUNDLE), make_vkey(NAME, other))


def test_a_checkpoint_of_the_go_checksum_database_opens():
    key = verifier._parse_vkey("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    text = (
        "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n"
        "— sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=\n"
    )
    assert verifier._open_checkpoint(text, *key)[:2] == ("go.sum database tree", 65209736)


# --- Ed25519 ---


@pytest.mark.parametrize(
    ("public_key", "message", "signature"),
    # RFC 8032 section 7.1
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
            "24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
            "eeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
            "8dc027beceea1ec40a",
        ),
    ],
)
def test_the_rfc_s_signatures_verify(public_key, message, signature):
    key, text, mark = (bytes.fromhex(part) for part in (public_key, message, signature))
    assert verifier._ed25519_verifies(key, text, mark)
    assert not verifier._ed25519_verifies(key, text + b"\0", mark)


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (hashlib.sha256(b"other").digest(), "the root of an empty log must be SHA-256 of nothing"),
        (EMPTY_ROOT, "outside"),
    ],
)
def test_an_empty_log_proves_nothing_and_has_one_root(root, message):
    body = f"{ORIGIN}\n0\n{encode(root)}\n"
    key_id = base64.b64decode(VKEY.rsplit("+", 1)[1])
    key_id = hashlib.sha256(NAME.encode() + b"\n" + key_id).digest()[:4]
    signed = f"{body}\n— {NAME} {encode(key_id + KEY.sign(body.encode()))}\n"
    bundle = altered(index=0, size=0, proof=[], checkpoint=signed)
    with pytest.raises(NotVerified, match=message):
        verify_bundle(dump(bundle), VKEY)


@pytest.mark.parametrize(
    ("bundle", "vkey"), [(dump(BUNDLE).decode(), VKEY), (None, VKEY), (dump(BUNDLE), None)]
)
def test_unexpected_type_is_reported(bundle, vkey):
    with pytest.raises(TypeError):
        verify_bundle(bundle, vkey)


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 64 * 8 - 1))
def test_signature_checks_agree_with_the_cryptography_package(seed, message, bit):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verifier._ed25519_verifies(public, message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignature):
        key.public_key().verify(bytes(flipped), message)
    assert not verifier._ed25519_verifies(public, message, bytes(flipped))


def test_non_canonical_signature_is_refused():
    public, signature = KEY.public_key().public_bytes_raw(), KEY.sign(b"text")
    scalar = int.from_bytes(signature[32:], "little") + verifier._L
    again = signature[:32] + scalar.to_bytes(32, "little")
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(again, b"text")
    assert not verifier._ed25519_verifies(public, b"text", again)
    assert not verifier._ed25519_verifies(public, b"text", signature + b"\0")


@pytest.mark.parametrize(
    "public_key",
    [
        (1).to_bytes(32, "little"),  # the neutral element: every text would verify
        (0).to_bytes(32, "little"),  # of order four
        (2**255 - 20).to_bytes(32, "little"),  # of order two
        (2**255 - 18).to_bytes(32, "little"),  # y = 1 written as p + 1
        (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with its sign set
        (2).to_bytes(32, "little"),  # not on the curve
    ],
)
def test_weak_keys_are_refused(public_key):
    neutral = (1).to_bytes(32, "little") + bytes(32)
    assert not verifier._ed25519_verifies(public_key, b"text", neutral)
