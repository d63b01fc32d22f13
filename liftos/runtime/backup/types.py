"""Errors of backups."""


class RecoveryFailed(Exception):
    """A backup could not be created or restored; the message is for the operator."""
