"""Key files are created once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from liftos.kernel.keyfiles import KEY_BYTES, _make, read_key


def test_a_key_is_made_once_and_kept(tmp_path):
    path = str(tmp_path / "key")
    key = read_key(path)
    assert len(key) == KEY_BYTES
    read_key.cache_clear()
    assert read_key(path) == key
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_concurrent_creators_get_one_key(tmp_path):
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _make(path), range(8)))
    assert len(path.read_bytes()) == KEY_BYTES
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_invalid_key_file_is_reported(tmp_path):
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match="32 random bytes"):
        read_key(str(tmp_path / "key"))
