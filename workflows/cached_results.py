"""Cached results of functions, where a memory is erased: they may quote it."""

from uuid import UUID

from django.db import transaction

from liftos.kernel.caching.results import get_function_cache
from liftos.kernel.erasure.types import Going


def forget_results(going: Going) -> int:
    """Remove an organisation's cached results, now and once more after the erasure has committed, for what is asked meanwhile.

    Args:
        going: what is being erased; results are not looked into, all go.

    Returns:
        How many this process had, of all organisations.
    """
    organisation = going.organisation
    cache = get_function_cache()
    held = int(cache.stats()["cache_size"])
    cache.forget(organisation)
    transaction.on_commit(lambda: _again(organisation))
    return held


def _again(organisation: UUID) -> None:
    get_function_cache().forget(organisation)
