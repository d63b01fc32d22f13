"""Original files in a backup."""

from pathlib import Path
from uuid import uuid4

import pytest

from liftos.kernel.files.storage import read_content, write_content
from liftos.runtime.backup.stored_files import bring_back_files, copy_files
from liftos.runtime.backup.types import RecoveryFailed

ORGANISATION, KEY = uuid4(), "0" * 32
DIGEST = "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730"  # of b"bar\\n"


@pytest.fixture
def store(settings, tmp_path):
    settings.LIFTOS_FILES_URL = str(tmp_path / "store")
    write_content(ORGANISATION, KEY, b"bar\n")
    return tmp_path


def test_files_are_copied_and_brought_back(store, settings):
    kept = [(ORGANISATION, KEY, DIGEST), (ORGANISATION, "1" * 32, DIGEST)]
    assert copy_files(kept, store / "copy") == {"copied": 1, "erased": 1}
    settings.LIFTOS_FILES_URL = str(store / "new")
    assert bring_back_files(kept, store / "copy") == 1
    assert read_content(ORGANISATION, KEY) == b"bar\n"


def test_damaged_file_fails_a_backup_and_a_restore(store):
    kept = [(ORGANISATION, KEY, DIGEST)]
    copy_files(kept, store / "copy")
    (Path(store) / "copy" / str(ORGANISATION) / KEY).write_bytes(b"other")
    with pytest.raises(RecoveryFailed, match="damaged"):
        bring_back_files(kept, store / "copy")
    write_content(ORGANISATION, KEY, b"other")
    with pytest.raises(RecoveryFailed, match="damaged"):
        copy_files(kept, store / "again")


def test_unavailable_store_fails_a_backup(store, settings):
    settings.LIFTOS_FILES_URL = "/proc/nowhere"
    with pytest.raises(RecoveryFailed, match="file store"):
        copy_files([(ORGANISATION, KEY, DIGEST)], store / "copy")
