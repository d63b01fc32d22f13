"""The memory's own care: doubles, superseded and stale facts and contradictions, proposed for somebody to accept or decline."""
