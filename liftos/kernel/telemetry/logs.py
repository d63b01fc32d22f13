"""Logging: adds correlation and trace ids to every line and removes API key secrets."""

import logging

from pythonjsonlogger.json import JsonFormatter

from liftos.kernel.telemetry.tracing.context import peek_context
from liftos.kernel.tenancy.keys import without_secrets


class ContextFilter(logging.Filter):
    """Adds `correlation_id` and `trace_id` to a record, "" outside of requests and tasks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Annotate the record and keep it."""
        # peek: creating a context while idle would put all the thread's later work into one trace
        context = peek_context()
        record.correlation_id = context.correlation_id if context is not None else ""
        record.trace_id = context.trace_id if context is not None else ""
        return True


class SecretlessFormatter(JsonFormatter):
    """Formats records as JSON, with API keys cut to their prefix: log tokens appear in paths, and callers put keys anywhere."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON line."""
        return without_secrets(super().format(record))
