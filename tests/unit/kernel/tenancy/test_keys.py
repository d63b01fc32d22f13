import pytest

from liftos.kernel.tenancy.keys import new_key, parse_key


def test_a_new_key_reads_back_and_matches_only_its_own_hash():
    first, second = new_key(), new_key()
    assert parse_key(first.token) == first
    assert first.matches(first.secret_hash)
    assert not first.matches(second.secret_hash)


KEY = f"liftos_{'0a' * 6}_{'x' * 43}"


@pytest.mark.parametrize(
    "token", ["", "liftos_", "liftos_abc_def", "sk-1234", f"{KEY}x", f" {KEY}", KEY.upper()]
)
def test_malformed_key_is_none(token):
    assert parse_key(token) is None


def test_the_secret_is_not_in_the_hash():
    key = new_key()
    assert key.secret.encode() not in key.secret_hash


def test_key_is_parsed():
    assert parse_key(KEY) == ("0a" * 6, "x" * 43)
