"""The contents of files: in a directory, or an object store that fsspec reaches (`LIFTOS_FILES_URL`).

Names are the organisation's id and a random key; nothing in them comes from a caller.
"""

import logging
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import fsspec
from django.conf import settings

from liftos.kernel.files.errors import FileNotFound, FileStoreUnavailable
from liftos.kernel.keyfiles import give_to_owner

logger = logging.getLogger("liftos.files")

_KEY = re.compile(r"[0-9a-f]{32}")


def write_content(organisation: UUID, key: str, content: bytes) -> None:
    """Write a file's content.

    Raises:
        FileStoreUnavailable: it can't be written.
    """
    system, path = _place(organisation, key)
    try:
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        system.pipe_file(path, content)
        if "file" in system.protocol:
            _give_to_owner(Path(path))
    except Exception as error:  # each backend raises errors of its own
        raise _unavailable(error) from error


def read_content(organisation: UUID, key: str) -> bytes:
    """Return a file's content.

    Raises:
        FileNotFound: there is none.
        FileStoreUnavailable: it can't be read.
    """
    system, path = _place(organisation, key)
    try:
        return system.cat_file(path)
    except FileNotFoundError as error:
        raise FileNotFound from error
    except Exception as error:
        raise _unavailable(error) from error


def remove_content(organisation: UUID, key: str) -> None:
    """Remove a file's content, if it is there.

    Raises:
        FileStoreUnavailable: it can't be removed.
    """
    system, path = _place(organisation, key)
    try:
        system.rm_file(path)
    except FileNotFoundError:
        return
    except Exception as error:
        raise _unavailable(error) from error


def _place(organisation: UUID, key: str) -> tuple[Any, str]:
    if _KEY.fullmatch(key) is None:
        raise ValueError("a file's key is 32 hexadecimal digits")
    system, root = _system(settings.LIFTOS_FILES_URL, repr(sorted(settings.LIFTOS_FILES_OPTIONS.items())))
    return system, f"{root}/{organisation}/{key[:2]}/{key}"


@lru_cache(maxsize=4)
def _system(url: str, options: str) -> tuple[Any, str]:
    """Return the file system and the root directory of a URL; a directory is readable by its owner only."""
    del options  # part of the cache's key
    try:
        system, root = fsspec.core.url_to_fs(url, **settings.LIFTOS_FILES_OPTIONS)
        if "file" in system.protocol:
            Path(root).mkdir(mode=0o700, parents=True, exist_ok=True)
    except Exception as error:
        raise _unavailable(error) from error
    return system, root.rstrip("/")


def _give_to_owner(path: Path) -> None:
    """Let the service, which runs as an ordinary user, use what a command created as root."""
    root = Path(fsspec.core.url_to_fs(settings.LIFTOS_FILES_URL)[1])
    for each in (root, *reversed([parent for parent in path.parents if root in parent.parents]), path):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            give_to_owner(descriptor, each.parent)
        finally:
            os.close(descriptor)


def _unavailable(error: Exception) -> FileStoreUnavailable:
    logger.warning("the file store failed", extra={"error": type(error).__name__})
    return FileStoreUnavailable()
