import pytest

from tests.factories.flows import test_functions


@pytest.fixture
def calls():
    with test_functions() as made:
        yield made
