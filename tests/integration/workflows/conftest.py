import pytest

from tests.factories.flows import registered_functions


@pytest.fixture
def calls():
    with registered_functions() as made:
        yield made
