"""Databases and callers for the tests.

Tables are made as the owner, once, in a template; tests run as the application role on a clone of it. Most run inside
a transaction that is rolled back. A test that needs commits (`committed_db`) gets a clone to itself: emptying tables
with TRUNCATE is denied to the application role, and cloning takes a tenth of a second.
"""

import os
from collections.abc import Iterator
from functools import wraps
from itertools import count
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test import Client

from accountability.ledger import publishing
from liftos.kernel.db.scratch import scratch_database, switch_database
from liftos.kernel.embedding import EmbeddingManager
from liftos.kernel.outbound import send
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import create_api_key, create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.callers import Caller

# A process of tests sees thousands of organisations, where a service sees some; folded together, their figures would be one
# another's.
get_observability().metrics.max_series = 500_000
get_observability().metrics.max_points = 2_000_000


@pytest.fixture(scope="session")
def template_database(django_db_blocker) -> Iterator[str]:
    # tests/robust.py makes one for all the processes that it starts
    if given := os.environ.get("LIFTOS_TEST_TEMPLATE"):
        yield given
        return
    with django_db_blocker.unblock(), scratch_database("template") as name:
        yield name


@pytest.fixture(scope="session")
def django_db_setup(template_database, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock(), clone(template_database, "test"):
        yield


@pytest.fixture
def committed_db(template_database, django_db_setup, django_db_blocker) -> Iterator[str]:
    """A database in which transactions commit; gone after the test. Yields its name."""
    with django_db_blocker.unblock(), clone(template_database, "committed") as name:
        yield name


_numbers = count()


class clone:  # noqa: N801  reads as what it does
    def __init__(self, template: str, purpose: str) -> None:
        self.template = template
        self.name = f"liftos_{purpose}_{os.getpid()}_{next(_numbers)}"

    def __enter__(self) -> str:
        self.earlier = connections["owner"].settings_dict["NAME"]
        # a database can be copied only while nobody is in it
        switch_database("postgres")
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}" STRATEGY FILE_COPY')
        switch_database(self.name)
        return self.name

    def __exit__(self, *exc: object) -> None:
        switch_database("postgres")
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{self.name}"')
        switch_database(self.earlier)


def make_caller(name: str) -> Caller:
    organisation = create_organisation(name=name, by=SYSTEM)
    _, token = create_api_key(organisation=organisation.id, by=SYSTEM, name="test")
    return Caller(organisation.id, organisation.slug, token, Client(raise_request_exception=False))


def open_transactions() -> int:
    """Return how many transactions and savepoints of the product are open; those that undo a test are not its own."""
    return sum(not block._from_testcase for block in connection.atomic_blocks)


@pytest.fixture(autouse=True)
def nothing_slow_in_a_transaction(request, monkeypatch) -> Iterator[None]:
    """Whatever embeds or calls another service must hold neither a transaction nor its locks.

    A test that stands in for another process's open transaction is marked `embeds_in_a_transaction`.
    """
    if request.node.get_closest_marker("embeds_in_a_transaction"):
        yield
        return

    def outside(called):
        @wraps(called)
        def guarded(*args, **kwargs):
            assert not open_transactions(), f"{called.__qualname__} was called inside a transaction"
            return called(*args, **kwargs)

        return guarded

    # by the test's own monkeypatch: what a test patches over this is undone first, and nothing of it stays
    for name in ("embed", "embed_many"):
        monkeypatch.setattr(EmbeddingManager, name, outside(getattr(EmbeddingManager, name)))
    monkeypatch.setattr("workflows.outbound.function.send", outside(send))
    monkeypatch.setattr("liftos.kernel.outbox.webhooks.sending.send", outside(send))
    monkeypatch.setattr("accountability.ledger.publishing._post", outside(publishing._post))
    yield


@pytest.fixture
def acme(db) -> Caller:
    return make_caller("Acme")


@pytest.fixture
def rival(db) -> Caller:
    return make_caller("Rival")


@pytest.fixture
def organisation(db) -> UUID:
    return create_organisation(name="Solo", by=SYSTEM).id


@pytest.fixture
def organisations(db) -> tuple[UUID, UUID]:
    made: list[Organisation] = [create_organisation(name=name, by=SYSTEM) for name in ("First", "Second")]
    return made[0].id, made[1].id


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tests log lone surrogates on purpose; between processes a report travels as UTF-8."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
