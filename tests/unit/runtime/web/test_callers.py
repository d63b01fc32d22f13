from liftos.runtime.web import callers
from liftos.runtime.web.callers import Callers


def scope(*headers, address="10.0.0.1"):
    return {"headers": list(headers), "client": (address, 1)}


def test_two_keys_of_one_organisation_share_its_lane_once_known():
    known = Callers()
    one, two = (known.credential_of(scope((b"x-api-key", key))) for key in (b"liftos_a_1", b"liftos_b_2"))
    assert known.lane_of(one) != known.lane_of(two)
    known.learn(one, "acme")
    known.learn(two, "acme")
    assert known.lane_of(one) == known.lane_of(two) == "acme"


def test_a_wrong_secret_is_another_caller():
    known = Callers()
    known.learn(known.credential_of(scope((b"x-api-key", b"liftos_a_right"))), "acme")
    assert known.lane_of(known.credential_of(scope((b"x-api-key", b"liftos_a_wrong")))) != "acme"


def test_without_a_credential_the_address_is_the_caller():
    known = Callers()
    lanes = {
        known.lane_of(known.credential_of(scope(address=address))) for address in ("10.0.0.1", "10.0.0.2")
    }
    assert len(lanes) == 2


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(callers, "MOST", 3)
    known = Callers()
    for number in range(10):
        known.learn(bytes([number]), f"o{number}")
    assert known.lane_of(bytes([9])) == "o9"
    assert known.lane_of(bytes([0])) == "00"
