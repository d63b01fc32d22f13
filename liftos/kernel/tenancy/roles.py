"""Rights of an organisation's roles: permissions in the admin, scopes for API keys. Pure.

| role | read everything | review decisions | edit memories, spaces, workflows | manage members, keys, policies |
|---|---|---|---|---|
| auditor | yes | | | |
| reviewer | yes | yes | | |
| curator | yes | | yes | |
| owner | yes | yes | yes | yes |

Only superusers manage accounts, groups and passwords, which belong to no organisation; they may do everything everywhere.
"""

from liftos.kernel.tenancy.types import ALL_SCOPES, Role, Scope

# apps whose rows belong to no organisation
SHARED_APPS = frozenset({"auth", "admin", "contenttypes", "sessions", "axes"})
CURATED_APPS = frozenset({"memory", "spaces", "workflows"})
_REVIEWS = frozenset({"accountability.change_reviewcase"})
_OWNS = frozenset(
    {
        "accountability.add_reviewpolicy", "accountability.change_reviewpolicy", "accountability.change_calibration",
        "tenancy.add_apikey", "tenancy.change_apikey", "tenancy.change_organisation",
        "tenancy.add_principalrecord", "tenancy.change_principalrecord",
        "tenancy.add_group", "tenancy.change_group", "tenancy.delete_group",
        "tenancy.add_breakglass", "tenancy.change_breakglass",
        "tenancy.add_membership", "tenancy.change_membership", "tenancy.delete_membership",
        "memory.add_derivedpolicy", "memory.change_derivedpolicy", "memory.delete_derivedpolicy",
        "memory.add_erasurepolicy", "memory.change_erasurepolicy", "memory.delete_erasurepolicy",
        "memory.add_retentionrule", "memory.change_retentionrule", "memory.delete_retentionrule",
        "memory.add_legalhold", "memory.change_legalhold", "memory.delete_legalhold",
        "memory.add_rejectionpolicy", "memory.change_rejectionpolicy", "memory.delete_rejectionpolicy",
        "memory.add_secretspolicy", "memory.change_secretspolicy", "memory.delete_secretspolicy",
        "events.add_webhook", "events.change_webhook", "events.delete_webhook",
        "memory.add_quotarow", "memory.change_quotarow", "memory.delete_quotarow",
    }
)  # fmt: skip
_WRITES = ("add", "change", "delete")

_READS = frozenset({Scope.MEMORY_READ, Scope.SPACES_READ, Scope.DECISIONS_READ})
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.AUDITOR: _READS,
    Role.REVIEWER: _READS | {Scope.DECISIONS_REVIEW},
    Role.CURATOR: _READS
    | {
        Scope.MEMORY_WRITE,
        Scope.MEMORY_PROPOSE,
        Scope.SPACES_WRITE,
        Scope.WORKFLOWS_WRITE,
        Scope.WORKFLOWS_RUN,
        # workflows record decisions, and whoever approves a run needs the run's scopes
        Scope.DECISIONS_WRITE,
    },
    Role.OWNER: ALL_SCOPES,
}


def role_may(role: Role, permission: str) -> bool:
    """Return whether a role has a Django permission (`app.verb_model`) in its organisation."""
    app, _, name = permission.partition(".")
    verb = name.partition("_")[0]
    if app in SHARED_APPS:
        return False
    if verb == "view":
        return True
    if role in {Role.REVIEWER, Role.OWNER} and permission in _REVIEWS:
        return True
    if permission in _OWNS:
        return role is Role.OWNER
    return role in {Role.CURATOR, Role.OWNER} and app in CURATED_APPS and verb in _WRITES
