"""`manage.py rejection_policy ORG [POLICY]`."""

from memory.management.policy_command import PolicyCommand
from memory.trust.policies import REJECTION_POLICY


class Command(PolicyCommand):
    help = "Show or set what becomes of texts that hold a rejected value: flag, refuse or allow."
    policy = REJECTION_POLICY
