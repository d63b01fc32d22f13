"""How far a memory is believed: as the credential allows; what a body says of it is a wish within that."""

from typing import Any

from liftos.kernel.tenancy.types import Principal, Scope
from memory.types import TrustState


def trust_of(principal: Principal) -> TrustState:
    """Return the trust state of what a caller stores: who may only propose stores candidates."""
    return TrustState.ACTIVE if principal.may(Scope.MEMORY_WRITE) else TrustState.CANDIDATE


def wish_of(state: Any, trust: Any = None) -> TrustState | None:
    """Return the trust state that a body wishes for, by `state` or else by `trust`; None where neither names one."""
    for value in (state, trust):
        word = value.strip().casefold() if isinstance(value, str) else ""
        if word in set(TrustState):
            return TrustState(word)
    return None
