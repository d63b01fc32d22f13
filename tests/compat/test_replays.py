"""A running product answers the original programs' calls as the contract says."""

import pytest

from tests.compat.product import product
from tests.compat.replays import replay_all

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400), pytest.mark.enable_socket]


def test_every_call_of_the_old_programs_is_answered_as_the_contract_says():
    with product() as (url, default_org):
        outcomes = replay_all(url, default_org)
    assert [(each.program, each.call, each.problem) for each in outcomes if each.problem] == []
    served = [each for each in outcomes if each.served]
    assert sum(each.program == "behind the old gateway" for each in served) == 19
    assert sum(each.program == "the service's own routes" for each in served) == 18
