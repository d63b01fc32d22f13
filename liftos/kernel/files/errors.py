"""Errors of the file store."""

from liftos.kernel.errors import NotFound, TooLarge, Unavailable


class FileStoreUnavailable(Unavailable):
    """The file store is unavailable; try again."""

    code = "files.unavailable"


class FileStoreFull(TooLarge):
    """The organisation's files may not take more space."""

    code = "files.full"


class FileNotFound(NotFound):
    """There is no such file."""

    code = "files.not_found"
