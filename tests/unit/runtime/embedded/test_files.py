import errno
import os
import stat
import tempfile

import pytest

from liftos.runtime.embedded import EmbeddedError, secret_key
from liftos.runtime.embedded.files import open_lock, prepare_home, try_lock, write_private


def test_secret_key_is_made_once_and_private(tmp_path):
    first = secret_key(tmp_path / "home")
    assert len(first) >= 50
    assert secret_key(tmp_path / "home") == first
    assert stat.S_IMODE((tmp_path / "home" / "secret_key").stat().st_mode) == 0o600
    assert secret_key(tmp_path / "other") != first


def test_write_private_without_replace_keeps_the_first(tmp_path):
    path = tmp_path / "file"
    write_private(path, "one")
    write_private(path, "two", replace=False)
    assert path.read_text() == "one"
    write_private(path, "three")
    assert path.read_text() == "three"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_blocking_file_is_named(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        EmbeddedError, match=f"a file is in the way, {tmp_path}/file;.*LIFTOS_HOME="
    ) as caught:
        prepare_home(tmp_path / "file" / below)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "is not writable .permission denied"),
        (errno.EROFS, "read-only"),
    ],
)
def test_unwritable_home_is_reported_in_one_line(monkeypatch, tmp_path, number, words):
    def refuse(**options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(EmbeddedError, match=words) as caught:
        prepare_home(tmp_path / "home")
    assert "\n" not in str(caught.value)


def test_locks_exclude_and_share(tmp_path):
    first, second = open_lock(tmp_path / "lock"), open_lock(tmp_path / "lock")
    try:
        assert try_lock(first, shared=True)
        assert try_lock(second, shared=True)
        assert not try_lock(first)
        os.close(second)
        second = None
        assert try_lock(first)
        assert not os.get_inheritable(first)
    finally:
        os.close(first)
        if second is not None:
            os.close(second)
