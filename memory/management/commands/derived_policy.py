"""`manage.py derived_policy ORG [POLICY]`."""

from memory.management.policy_command import PolicyCommand
from memory.policies import DERIVED_POLICY


class Command(PolicyCommand):
    help = "Show or set what happens to memories derived from one that is erased, rejected or superseded."
    policy = DERIVED_POLICY
