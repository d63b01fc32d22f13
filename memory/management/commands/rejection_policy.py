"""`manage.py rejection_policy ORG [POLICY]`."""

from memory.management.policy_command import PolicyCommand
from memory.policies import REJECTION_POLICY


class Command(PolicyCommand):
    help = "Show or set what happens to texts that contain a rejected value."
    policy = REJECTION_POLICY
