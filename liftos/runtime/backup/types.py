"""What goes wrong with backups."""


class RecoveryFailed(Exception):
    """A backup could not be made or brought back; the message says why, in words for an operator."""
