"""Backups of everything an installation keeps, and their return."""
