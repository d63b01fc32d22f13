"""What the old platform's names have in common: for whom they act, in which unit of work, and in which thread."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import OperationalError, connections

from liftos.kernel.telemetry.tracing.context import current_context, use_context
from liftos.kernel.tenancy.queries import find_organisation
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal

P = ParamSpec("P")
T = TypeVar("T")


class NoDatabase(RuntimeError):
    """The database is not running: start `python manage.py up`, or set DATABASE_URL and REDIS_URL."""


def unit(call: Callable[P, T]) -> Callable[P, T]:
    """Make each call one unit of work: what it writes has one correlation id and one trace; part of the caller's, if it has one."""

    @wraps(call)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with use_context(current_context()):
            return call(*args, **kwargs)

    return within


def in_thread(call: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Return a coroutine function that makes a call in a thread, whose connections end with it."""

    def closing(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(closing, thread_sensitive=False)


def principal_of(org_id: str | UUID) -> Principal:
    """Return the system as it acts in an organisation, named by slug or id.

    Raises:
        OrganisationNotFound: there is none of that name.
        NoDatabase: it can't be looked up.
    """
    try:
        organisation = find_organisation(str(org_id))
    except OperationalError as error:
        raise NoDatabase(NoDatabase.__doc__) from error
    return Principal(organisation.id, organisation.slug, SYSTEM, ALL_SCOPES)
