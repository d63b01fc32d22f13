"""Detectors of secrets: what they find, what they leave alone, and how long they take."""

import base64
import hashlib
import json
import random
from pathlib import Path
from time import process_time
from uuid import UUID

import pytest

from memory.policy_types import Secrets
from memory.secrets.scanning import find_secrets, moved, redact, without_secrets
from memory.secrets.screening import screen
from memory.types import Mark, MemoryDraft

DATA = Path(__file__).parents[2] / "data"


def made(*parts):
    """A secret put together here, so that scanners of this repository find none."""
    return "".join(parts)


def jwt(header='{"alg":"HS256","typ":"JWT"}'):
    parts = [header, '{"sub":"1234567890","name":"A"}']
    encoded = [base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts]
    return ".".join([*encoded, "dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk"])


PEM = made(
    "-----BEGIN RSA PRIVATE", " KEY-----\nMIIEpAIBAAKCAQEA1c7\nabc+/=\n-----END RSA PRIVATE", " KEY-----"
)
RANDOM = "q7RzK2mX9vLwT4bN8cYdJ6hGfPsA3eUoiV5"
SECRETS = {
    "aws_access_key": made("AKIA", "IOSFODNN7EXAMPLE"),
    "github_token": made("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
    "gitlab_token": made("glpat-", "zY3x7Qf9KpLw2NvB8sRt"),
    "slack_token": made("xoxb-", "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"),
    "stripe_key": made("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"),
    "openai_key": made("sk-", "proj-", RANDOM, RANDOM),
    "anthropic_key": made("sk-ant-", "api03-", RANDOM, "-x"),
    "google_api_key": made("AIza", "SyA1b2C3d4E5f6G7h8I9j0KlMnOpQrStUvW"),
    "sendgrid_key": made("SG.", "ngeVfQFYQlKU0ufo8x5d1A", ".", "TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr4c"),
    "npm_token": made("npm_", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"),
    "huggingface_token": made("hf_", "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"),
    "telegram_token": made("123456789", ":AA", "HdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"),
    "liftos_key": made("liftos_", "de6a26e350b5", "_", "BqnwzcBEa9bIk16utBRXFADa89cmybhSjj23"),
    "private_key": PEM,
    "jwt": jwt(),
    "iban": "DE89 3704 0044 0532 0130 00",
    "card_number": "4111 1111 1111 1111",
}


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
@pytest.mark.parametrize(
    "around", ["{}", "it is {}.", "use '{}' here", "a\n{}\nb", "key={}", "({})", "x, {}, y"]
)
def test_each_kind_is_found_whole_wherever_it_stands(kind, secret, around):
    text = around.format(secret)
    [found] = find_secrets(text)
    assert (found.kind, text[found.start : found.end]) == (kind, secret)
    assert secret not in without_secrets(text)
    assert find_secrets(without_secrets(text)) == []


@pytest.mark.parametrize(
    ("text", "kind", "secret"),
    [
        ("postgres://app:s3cr3t@db.example.org:5432/x", "url_password", "s3cr3t"),
        ("https://user:hunter2@example.com/path?x=1", "url_password", "hunter2"),
        ("redis://:p4ss-w0rd!@cache", "url_password", "p4ss-w0rd!"),
        ("password: hunter2", "password", "hunter2"),
        ("DB_PASSWORD=Tr0ub4dor&3", "password", "Tr0ub4dor&3"),
        ('{"password": "Xy7!kk29"}', "password", "Xy7!kk29"),
        ("my password is hunter2", "password", "hunter2"),
        ("Das Passwort lautet: Sommer2024!", "password", "Sommer2024!"),
        ("dbPassword = 'Zx81Spectrum'", "password", "Zx81Spectrum"),
        (f"api_key = '{RANDOM}'", "secret_assignment", RANDOM),
        (f"CLIENT-SECRET: {RANDOM}", "secret_assignment", RANDOM),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "secret_assignment", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        (f"Authorization: Bearer {RANDOM}", "bearer_token", RANDOM),
        ("Authorization: Basic dXNlcjpodW50ZXIyMg==", "basic_auth", "dXNlcjpodW50ZXIyMg=="),
        ("pay with 5500005555555559 please", "card_number", "5500005555555559"),
        ("amex 3782 822463 10005", "card_number", "3782 822463 10005"),
        ("378282246310005", "card_number", "378282246310005"),
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("FR14 2004 1010 0505 0001 3M02 606", "iban", "FR14 2004 1010 0505 0001 3M02 606"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg", "private_key", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg"),
    ],
)  # fmt: skip
def test_other_forms_are_found(text, kind, secret):
    [found] = find_secrets(text)
    assert (found.kind, text[found.start : found.end]) == (kind, secret)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # checksum
        "DE89 3704 0044 0532 0130 01",
        "0000 0000 0000 0000",
        "order number 4539578763621486",
        "tracking: 4539578763621486",
        "4006381333931 is an EAN",
        "+49 170 1234567, +1 (415) 555-2671, 0800 123 4567",
        "password: <your password>",
        "password=${DB_PASSWORD}",
        "password: ********",
        "The password is required and must be changed.",
        "password: string",
        "token: the user's session",
        "api_key = os.environ['API_KEY_2']",
        "max_tokens: 4096, tokenizer: bert-base-uncased-v2-2024",
        "https://user:${PASSWORD}@example.com/",
        "https://example.com:8080/path@2",
        "see https://example.org/a:b and mail a@b.org",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBg\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIBIjANBg\n-----END CERTIFICATE-----",
        "risk-averse-and-very-careful-people-of-the-town",
        "task-12345678901234567890",
        "eyJhbGciOi is how tokens begin",
        "DE 12 and AT 2024 are not accounts",
        "bearer of good news from the northern provinces",
        "basic knowledge of mathematics",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text):
    assert find_secrets(text) == []
    assert without_secrets(text) == text


def test_ids_hashes_numbers_and_times_are_no_secrets():
    pick = random.Random(3)
    texts = []
    for _ in range(2_000):
        texts += [
            f"record {UUID(int=pick.getrandbits(128))} was updated",
            hashlib.md5(pick.randbytes(9)).hexdigest(),
            f"commit {hashlib.sha1(pick.randbytes(9)).hexdigest()}",
            f"sha256:{hashlib.sha256(pick.randbytes(9)).hexdigest()}",
            "sha512-" + base64.b64encode(pick.randbytes(64)).decode(),
            f"Order {pick.randrange(10**9, 10**16)} shipped",
            f"Bestellnummer 302-{pick.randrange(10**7):07}-{pick.randrange(10**7):07}",
            f"+49 {pick.randrange(100, 999)} {pick.randrange(10**6, 10**8)}",
            f"at {pick.randrange(15 * 10**11, 19 * 10**11)}, {pick.randrange(15 * 10**17, 19 * 10**17)} ns",
            f"EAN {pick.randrange(10**12, 10**13)}",
        ]
    assert [text for text in texts if find_secrets(text)] == []


def test_of_plain_sixteen_digits_less_than_one_in_thirty_passes_for_a_card():
    pick = random.Random(5)
    found = sum(bool(find_secrets(str(pick.randrange(10**15, 10**16)))) for _ in range(3_000))
    assert found < 100


def test_the_sample_texts_have_none():
    found = []
    for path in DATA.rglob("*"):
        if path.is_file() and path.suffix in {".txt", ".md", ".jsonl", ".json", ".csv", ".html", ".eml"}:
            lines = path.read_text(errors="replace").splitlines()
            found += [(path.name, number) for number, line in enumerate(lines) if find_secrets(line)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["a" * 10**6, "1" * 10**6, "AB12" * 250_000, "password=" * 110_000, "a_" * 500_000 + "key", "sk-a" * 250_000,
     "-----BEGIN PRIVATE KEY-----" * 37_000, "eyJa." * 200_000, "://:" * 250_000, "Bearer " * 140_000, "1 " * 500_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_million_characters_take_linear_time(text):
    started = process_time()
    find_secrets(text)
    assert process_time() - started < 5


def test_secrets_next_to_each_other_are_each_replaced():
    text = f"a {SECRETS['aws_access_key']} {SECRETS['jwt']} b"
    assert without_secrets(text) == "a [redacted: aws_access_key] [redacted: jwt] b"


def test_places_move_with_the_text():
    text = f"One {SECRETS['jwt']}\n\nTwo"
    found = find_secrets(text)
    clean = redact(text, found)
    assert clean[moved(text.index("Two"), found) :] == "Two"
    assert moved(0, found) == 0
    assert clean[: moved(10, found)].endswith("]")


def draft(**fields):
    return MemoryDraft(**{"content": "plain"} | fields)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content": f"it is {PEM}"}, "content"),
        ({"metadata": {"a": {"b": [1, SECRETS["jwt"]]}}}, "metadata.a.b"),
        ({"metadata": {"password": "hunter2"}}, "metadata.password"),
        ({"metadata": {"crm": {"apiKey": RANDOM}}}, "metadata.crm.apiKey"),
        ({"metadata": {"card": 4111111111111111}}, "metadata.card"),
        ({"metadata": {SECRETS["github_token"]: 1}}, "metadata"),
        ({"tags": ("x", SECRETS["iban"])}, "tags"),
    ],
)
def test_every_field_is_screened(fields, field):
    clean, found = screen(draft(**fields), lambda: Secrets.REDACT)
    assert {name for name, _ in found.found} == {field}
    assert find_secrets(json.dumps([clean.content, clean.metadata, clean.tags])) == []
    assert "[redacted: " in json.dumps([clean.content, clean.metadata, clean.tags])
    same, flagged = screen(draft(**fields), lambda: Secrets.FLAG)
    assert same == draft(**fields)
    assert flagged.found == found.found
    assert screen(draft(**fields), lambda: Secrets.ALLOW) == (draft(**fields), None)


def test_a_secret_in_what_names_a_memory_is_refused_instead_of_replaced():
    for name in ("external_id", "source", "thread"):
        clean, found = screen(draft(**{name: SECRETS["stripe_key"]}), lambda: Secrets.REDACT)
        assert found.policy == "refuse"
        assert SECRETS["stripe_key"] not in repr(clean)


def test_the_policy_is_asked_only_if_there_is_a_secret():
    def policy():
        raise AssertionError

    plain = draft(metadata={"a": [1, 2.5, None, True, {"b": "c"}]})
    assert screen(plain, policy) == (plain, None)


def test_pages_stay_where_they_are_in_the_text():
    text = f"One {PEM}\n\nTwo"
    sent = draft(content=text, layout=(Mark(0, 1), Mark(text.index("Two"), 2)))
    clean, _ = screen(sent, lambda: Secrets.REDACT)
    assert clean.content[clean.layout[1].start :] == "Two"
