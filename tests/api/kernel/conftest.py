"""An issuer of tokens for Acme."""

import pytest

from liftos.kernel.tenancy.tokens import key_sets
from tests.factories.issuer import running_issuer

RIGHTS = {
    "writers": ["memory:read", "memory:write", "decisions:read"],
    "readers": ["memory:read"],
    "runners": "owner",
}


@pytest.fixture(scope="module")
def _running():
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(_running, acme, settings):
    key_sets.forget_key_sets()
    _running.rotate("first")
    _running.asked.clear()
    _running.down = False
    settings.LIFTOS_OIDC_ISSUERS = {
        "test": {
            "issuer": _running.url, "audience": "liftos", "organisation": acme.slug, "leeway": 0,
            "groups_claim": "groups", "rights_claim": "roles", "rights": RIGHTS,
        }
    }  # fmt: skip
    settings.LIFTOS_OIDC_CREATE_PRINCIPALS = True
    yield _running
    key_sets.forget_key_sets()
