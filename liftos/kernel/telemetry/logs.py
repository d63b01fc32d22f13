"""Puts the correlation and trace ids on every log line, and leaves the secrets of keys out."""

import logging

from pythonjsonlogger.json import JsonFormatter

from liftos.kernel.telemetry.tracing.context import peek_context
from liftos.kernel.tenancy.keys import without_secrets


class ContextFilter(logging.Filter):
    """Adds `correlation_id` and `trace_id` to a record; they are empty outside of any request and task."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Annotate the record; never drops one."""
        # begins none: what a thread logs while idle would give all its later work one trace
        context = peek_context()
        record.correlation_id = context.correlation_id if context is not None else ""
        record.trace_id = context.trace_id if context is not None else ""
        return True


class SecretlessFormatter(JsonFormatter):
    """Writes a record as JSON; of an API key in it only the prefix: log tokens stand in paths, and callers put keys anywhere."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_secrets(super().format(record))
