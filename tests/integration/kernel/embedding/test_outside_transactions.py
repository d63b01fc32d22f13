"""The guard of tests/conftest.py: what embeds or calls another service in a transaction fails every test that comes by."""

import pytest

from accountability.ledger import publishing
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import get_manager
from workflows.outbound import function


@pytest.mark.parametrize("name", ["embed", "embed_many"])
def test_embedding_in_a_transaction_fails(organisation, name):
    asked = "rain" if name == "embed" else ["rain"]
    ask = getattr(get_manager(), name)
    assert ask(asked).shape[-1] == get_manager().model.dimension
    # cached or not
    with tenant_transaction(organisation), pytest.raises(AssertionError, match="inside a transaction"):
        ask(asked)
    assert ask(asked).shape[-1] == get_manager().model.dimension


def test_calling_another_service_in_a_transaction_fails(organisation):
    with tenant_transaction(organisation):
        with pytest.raises(AssertionError, match="inside a transaction"):
            function.send("GET", "http://127.0.0.1/")
        with pytest.raises(AssertionError, match="inside a transaction"):
            publishing._post("http://127.0.0.1/", "")
