"""Helpers of the old platform's names: the acting principal, the unit of work, and threads."""

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
    """Decorate a function so that each call has one correlation id and trace: the caller's, or new ones."""

    @wraps(call)
    def within(*args: P.args, **kwargs: P.kwargs) -> T:
        with use_context(current_context()):
            return call(*args, **kwargs)

    return within


def in_thread(call: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Return a coroutine function that calls a function in a thread and then closes the thread's connections."""

    def closing(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(closing, thread_sensitive=False)


def principal_of(org_id: str | UUID) -> Principal:
    """Return the system principal for an organisation, given by slug or id.

    Raises:
        OrganisationNotFound: there is no such organisation.
        NoDatabase: the database is unavailable.
    """
    try:
        organisation = find_organisation(str(org_id))
    except OperationalError as error:
        raise NoDatabase(NoDatabase.__doc__) from error
    return Principal(organisation.id, organisation.slug, SYSTEM, ALL_SCOPES)
