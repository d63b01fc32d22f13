"""Puts the correlation and trace ids on every log line."""

import logging

from liftos.observability.context import current_context


class ContextFilter(logging.Filter):
    """Adds `correlation_id` and `trace_id` to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Annotate the record; never drops one."""
        context = current_context()
        record.correlation_id = context.correlation_id
        record.trace_id = context.trace_id
        return True
