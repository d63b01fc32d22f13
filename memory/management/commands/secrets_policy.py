"""`manage.py secrets_policy ORG [POLICY]`."""

from memory.management.policy_command import PolicyCommand
from memory.policies import SECRETS_POLICY


class Command(PolicyCommand):
    help = "Show or set what happens to secrets in what is stored."
    policy = SECRETS_POLICY
