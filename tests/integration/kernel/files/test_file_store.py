"""Files are kept with the transaction that refers to them, and removed when nothing does."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.files import operations, storage
from liftos.kernel.files.errors import FileNotFound, FileStoreFull, FileStoreUnavailable
from liftos.kernel.files.models import StoredFile
from liftos.kernel.files.tasks import sweep


@pytest.fixture(autouse=True, params=["directory", "memory"])
def root(request, settings, tmp_path):
    """A directory, and another of fsspec's file systems."""
    settings.LIFTOS_FILES_URL = (
        str(tmp_path / "files") if request.param == "directory" else f"memory://{uuid4()}"
    )
    return settings.LIFTOS_FILES_URL


def keep(organisation, content=b"words"):
    key = operations.write_file(organisation=organisation, content=content)
    with tenant_transaction(organisation):
        operations.keep_file(organisation=organisation, key=key)
    return key


def grow_old(organisation):
    with tenant_transaction(organisation):
        StoredFile.objects.update(changed_at=Now() - timedelta(seconds=operations.LOOSE_SECONDS + 60))


def test_kept_file_is_read_by_its_organisation_alone(acme, rival):
    key = keep(acme.organisation)
    assert operations.read_file(organisation=acme.organisation, key=key) == b"words"
    with pytest.raises(FileNotFound):
        operations.read_file(organisation=rival.organisation, key=key)


def test_names_are_random_and_nothing_else_is_a_name(acme):
    keys = {operations.write_file(organisation=acme.organisation, content=b"same") for _ in range(5)}
    assert len(keys) == 5
    for name in ("../../etc/passwd", "", "x" * 32, keys.pop().upper() + "/"):
        with pytest.raises(ValueError, match="32 hexadecimal"):
            storage.read_content(acme.organisation, name)


def test_file_of_a_failed_transaction_is_swept_later_and_a_young_one_is_not(acme):
    key = operations.write_file(organisation=acme.organisation, content=b"words")
    with pytest.raises(RuntimeError), tenant_transaction(acme.organisation):
        operations.keep_file(organisation=acme.organisation, key=key)
        raise RuntimeError
    sweep()
    assert storage.read_content(acme.organisation, key) == b"words"
    grow_old(acme.organisation)
    sweep()
    with pytest.raises(FileNotFound):
        storage.read_content(acme.organisation, key)
    with tenant_transaction(acme.organisation):
        assert not StoredFile.objects.exists()


def test_sweep_leaves_kept_files(acme):
    key = keep(acme.organisation)
    grow_old(acme.organisation)
    sweep()
    assert operations.read_file(organisation=acme.organisation, key=key) == b"words"


def test_given_up_file_is_removed_after_the_commit(acme, django_capture_on_commit_callbacks):
    key = keep(acme.organisation)
    with django_capture_on_commit_callbacks(execute=True), tenant_transaction(acme.organisation):
        assert operations.give_up_files(organisation=acme.organisation, keys=[key]) == 1
        assert storage.read_content(acme.organisation, key) == b"words"
    with pytest.raises(FileNotFound):
        storage.read_content(acme.organisation, key)


def test_given_up_file_waits_for_the_sweep_while_the_store_is_unavailable(
    acme, monkeypatch, django_capture_on_commit_callbacks
):
    key = keep(acme.organisation)

    def fail(*args):
        raise FileStoreUnavailable

    with monkeypatch.context() as away:
        away.setattr(storage, "remove_content", fail)
        with django_capture_on_commit_callbacks(execute=True), tenant_transaction(acme.organisation):
            operations.give_up_files(organisation=acme.organisation, keys=[key])
        grow_old(acme.organisation)
        sweep()
    with pytest.raises(FileNotFound):
        operations.read_file(organisation=acme.organisation, key=key)
    assert storage.read_content(acme.organisation, key) == b"words"
    sweep()
    with pytest.raises(FileNotFound):
        storage.read_content(acme.organisation, key)


def test_rolled_back_removal_keeps_the_file(acme):
    key = keep(acme.organisation)
    with tenant_transaction(acme.organisation), transaction.atomic():
        operations.give_up_files(organisation=acme.organisation, keys=[key])
        transaction.set_rollback(True)
    assert operations.read_file(organisation=acme.organisation, key=key) == b"words"


def test_an_organisations_files_are_bounded(acme, rival, settings):
    settings.LIFTOS_FILES_BYTES = 8
    keep(acme.organisation)
    with pytest.raises(FileStoreFull):
        operations.write_file(organisation=acme.organisation, content=b"more")
    keep(rival.organisation)


def test_damaged_file_is_not_given_out(acme):
    key = keep(acme.organisation)
    storage.write_content(acme.organisation, key, b"other")
    with pytest.raises(FileStoreUnavailable):
        operations.read_file(organisation=acme.organisation, key=key)


def test_failing_store_is_unavailable_and_says_no_more(acme, settings):
    settings.LIFTOS_FILES_URL = "/proc/nowhere"
    with pytest.raises(FileStoreUnavailable) as caught:
        operations.write_file(organisation=acme.organisation, content=b"words")
    assert caught.value.message == FileStoreUnavailable.__doc__
