"""Quotas: how many memories, bytes and searches a day an organisation, a principal or a caller may have."""
