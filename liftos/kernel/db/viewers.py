"""Viewers: a transaction sees its organisation's rows that are everybody's, and those of some access scopes.

Row-level security compares each row's `scope_id` with the viewer (liftos.kernel.tenancy.rls.ScopeTenant). A request takes
its viewer from its credential, a job from who started it. Whoever sets none sees what everybody in the organisation may see.
Only system tasks and operators' commands see everything, by `seeing_everything`.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID

ORGANISATION_SCOPE = 0
"""The scope of rows that everybody in the organisation may see."""
SYSTEM_SCOPE = -1
"""The scope of rows that only system tasks and operators may see: what nobody in particular did to rows of several scopes."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The access scopes that are visible within an organisation.

    Attributes:
        scopes: access scopes beside the organisation's.
        principal: who sees, if that is known.
        own: the scope that only this principal sees.
        everything: whether all scopes are visible.
        groups: the only groups that count, if a token limits them; None if the stored memberships do.
    """

    scopes: tuple[int, ...] = ()
    principal: UUID | None = None
    own: int | None = None
    everything: bool = False
    groups: tuple[UUID, ...] | None = None

    def settings(self) -> tuple[str, str]:
        """Return the values of `liftos.scopes` and `liftos.sees_all`."""
        return ",".join(map(str, self.scopes)), "on" if self.everything else ""

    @property
    def listed_groups(self) -> list[UUID] | None:
        """The groups that limit the view, as stored beside work that goes on later."""
        return None if self.groups is None else list(self.groups)

    @property
    def sight(self) -> tuple[int, ...] | None:
        """The scopes that are visible, with the organisation's; None for all. Keys caches of what depends on visible rows."""
        return None if self.everything else (ORGANISATION_SCOPE, *self.scopes)

    def sees(self, scope: int) -> bool:
        """Return whether rows of a scope are visible."""
        return self.everything or scope == ORGANISATION_SCOPE or scope in self.scopes


EVERYBODY = Viewer()
EVERYTHING = Viewer(everything=True)

_viewer: ContextVar[Viewer] = ContextVar("liftos_viewer", default=EVERYBODY)


def current_viewer() -> Viewer:
    """Return the viewer of the transactions that are opened here."""
    return _viewer.get()


def set_viewer(viewer: Viewer) -> None:
    """Set the viewer until the next call; for a request, which begins with `EVERYBODY`."""
    _viewer.set(viewer)


@contextmanager
def viewing(viewer: Viewer) -> Iterator[None]:
    """Set the viewer for a block; an open transaction changes its viewer at the next nested `tenant_transaction`."""
    token = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(token)


def scope_of_act(touched: Iterable[int]) -> int:
    """Return the scope of what the current viewer does to rows of some scopes: of its decisions, events and results.

    The organisation's if all of the rows are; else the viewer's own, for only it is sure to see all of them. Whoever has none,
    such as a system task, leaves the rows' scope, or SYSTEM_SCOPE for several.
    """
    private = set(touched) - {ORGANISATION_SCOPE}
    if not private:
        return ORGANISATION_SCOPE
    own = current_viewer().own
    if own is not None:
        return own
    return private.pop() if len(private) == 1 else SYSTEM_SCOPE


def seeing_everything() -> AbstractContextManager[None]:
    """Let a system task, an operator's command or one named write of a request see all scopes, as whoever it was."""
    return viewing(replace(_viewer.get(), everything=True))
