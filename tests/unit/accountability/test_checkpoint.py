import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from accountability.ledger.checkpoint import (
    MAX_SIGNATURES,
    MAX_SIZE,
    Checkpoint,
    CheckpointInvalid,
    Verifier,
    make_vkey,
    open_signed,
    parse_vkey,
    sign,
    verifier_of,
)
from accountability.merkle import EMPTY_ROOT

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"test key").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"other test key").digest())
NAME = "liftos.example/log42"
ROOT = hashlib.sha256(b"root").digest()
CHECKPOINT = Checkpoint(NAME, 20852163, ROOT)
VERIFIER = verifier_of(NAME, KEY)
SIGNED = sign(CHECKPOINT, NAME, KEY)

GO_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_CHECKPOINT = (
    "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n"
    "— sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=\n"
)


def sign_text(body: str) -> str:
    """A signed note over any text, even a malformed one."""
    value = base64.b64encode(VERIFIER.key_id + KEY.sign(body.encode())).decode()
    return f"{body}\n— {NAME} {value}\n"


def refused(text: str, verifier: Verifier = VERIFIER) -> bool:
    try:
        open_signed(text, verifier)
    except CheckpointInvalid:
        return True
    return False


def test_a_checkpoint_of_the_go_checksum_database_opens():
    checkpoint = open_signed(GO_CHECKPOINT, parse_vkey(GO_VKEY), origin="go.sum database tree")
    assert (checkpoint.origin, checkpoint.size) == ("go.sum database tree", 65209736)
    assert checkpoint.root.hex().startswith("e7eb86163c7ac416")


def test_signed_checkpoint_opens():
    assert open_signed(SIGNED, VERIFIER, origin=NAME) == CHECKPOINT
    body, root = SIGNED.split("\n\n")[0], base64.b64encode(ROOT).decode()
    assert body == f"{NAME}\n20852163\n{root}"


def test_smallest_and_largest_logs_round_trip():
    for checkpoint in (Checkpoint(NAME, 0, EMPTY_ROOT), Checkpoint(NAME, MAX_SIZE, ROOT)):
        assert open_signed(sign(checkpoint, NAME, KEY), VERIFIER) == checkpoint


def test_extension_lines_are_signed_and_read():
    checkpoint = Checkpoint(NAME, 7, ROOT, ("one", "— two"))
    text = sign(checkpoint, NAME, KEY)
    assert open_signed(text, VERIFIER) == checkpoint
    assert refused(text.replace("one", "two"))


def test_every_flipped_bit_is_refused():
    data = SIGNED.encode()
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            # bytes that are no UTF-8 become lone surrogates, and have to be refused as such
            assert refused(changed.decode(errors="surrogateescape")), (place, bit)


def test_removed_duplicated_or_added_bytes_are_refused():
    for place in range(len(SIGNED)):
        assert refused(SIGNED[:place] + SIGNED[place + 1 :]), place
        assert refused(SIGNED[:place]), place
        for extra in (SIGNED[place], " ", "\n", "\r", "0", "="):
            assert refused(SIGNED[:place] + extra + SIGNED[place:]), (place, extra)
    assert refused(SIGNED + "\n")
    assert refused(SIGNED + " ")


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text):
    assert refused(text)


@pytest.mark.parametrize(
    "body",
    [
        f"{NAME}\n5\n",
        f"{NAME}\n05\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n-5\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n+5\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n\u0665\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n{2**63}\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n0\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(ROOT).decode().rstrip('=')}\n",
        f"{NAME}\n5\n{base64.b64encode(ROOT).decode()}\n\nextension\n",
        f"\n5\n{base64.b64encode(ROOT).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(ROOT).decode()}\nbell \x07\n",
    ],
)
def test_signed_malformed_body_is_refused(body):
    assert refused(sign_text(body))


def test_the_signer_of_malformed_bodies_can_sign_a_good_one():
    assert not refused(sign_text(CHECKPOINT.text))


def test_unknown_signatures_are_ignored_and_known_ones_all_checked():
    own = SIGNED.split("\n\n")[1]
    witness = sign(CHECKPOINT, "witness.example", OTHER_KEY).split("\n\n")[1]
    same_name = sign(CHECKPOINT, NAME, OTHER_KEY).split("\n\n")[1]
    wrong = sign(Checkpoint(NAME, 1, ROOT), NAME, KEY).split("\n\n")[1]
    assert open_signed(f"{CHECKPOINT.text}\n{witness}{own}{same_name}", VERIFIER) == CHECKPOINT
    assert refused(f"{CHECKPOINT.text}\n{witness}")
    assert refused(f"{CHECKPOINT.text}\n{same_name}")
    assert refused(f"{CHECKPOINT.text}\n{own}{wrong}")
    assert refused(f"{CHECKPOINT.text}\n{own}— witness.example\n")
    assert refused(f"{CHECKPOINT.text}\n{own}— a+b {witness.split()[-1]}\n")


def test_the_number_of_signatures_has_a_limit():
    own, witness = (
        sign(CHECKPOINT, *by).split("\n\n")[1] for by in ((NAME, KEY), ("witness.example", OTHER_KEY))
    )
    assert not refused(f"{CHECKPOINT.text}\n{own}{witness * (MAX_SIGNATURES - 1)}")
    assert refused(f"{CHECKPOINT.text}\n{own}{witness * MAX_SIGNATURES}")


def test_another_key_or_origin_is_refused():
    assert refused(SIGNED, verifier_of(NAME, OTHER_KEY))
    assert refused(SIGNED, verifier_of("another.example", KEY))
    with pytest.raises(CheckpointInvalid):
        open_signed(SIGNED, VERIFIER, origin="another.example")


@pytest.mark.parametrize(
    "fields",
    [
        ("", 5, ROOT),
        ("two\nlines", 5, ROOT),
        ("tab\t", 5, ROOT),
        ("\ud800", 5, ROOT),
        (NAME, -1, ROOT),
        (NAME, MAX_SIZE + 1, ROOT),
        (NAME, 5, ROOT[:31]),
        (NAME, 0, ROOT),
        (NAME, 5, ROOT, ("",)),
        (NAME, 5, ROOT, ("two\nlines",)),
    ],
)
def test_unserialisable_checkpoint_is_refused(fields):
    with pytest.raises(CheckpointInvalid):
        Checkpoint(*fields)


def test_a_vkey_reads_back():
    vkey = make_vkey(NAME, VERIFIER.public_key)
    assert parse_vkey(vkey) == VERIFIER
    assert make_vkey(parse_vkey(GO_VKEY).name, parse_vkey(GO_VKEY).public_key) == GO_VKEY


def test_every_flipped_bit_of_a_vkey_is_refused():
    data = GO_VKEY.encode()
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with pytest.raises(ValueError):
                parse_vkey(changed.decode(errors="surrogateescape"))


@pytest.mark.parametrize(
    "vkey", ["", "name", "name+", "+033de0ae+AQ==", "name+033DE0AE+AQ==", GO_VKEY + "\n"]
)
def test_a_malformed_vkey_is_refused(vkey):
    with pytest.raises(ValueError):
        parse_vkey(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "\ud800"])
def test_a_key_name_has_no_spaces_or_plus_signs(name):
    with pytest.raises(ValueError):
        sign(CHECKPOINT, name, KEY)


def test_a_public_key_is_32_bytes():
    with pytest.raises(ValueError):
        make_vkey(NAME, b"short")
