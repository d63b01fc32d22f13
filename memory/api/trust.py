"""How far a memory is believed when it is stored: by the credential, never by the payload."""

from liftos.tenancy.types import Principal, Scope
from memory.types import TrustState


def trust_of(principal: Principal) -> TrustState:
    """Return the trust state of what a caller stores: who may only propose stores candidates."""
    return TrustState.ACTIVE if principal.may(Scope.MEMORY_WRITE) else TrustState.CANDIDATE
