"""Queued traces are written when a process ends."""

import os
import subprocess
import sys

from django.db import connections

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM

SCRIPT = """
import sys
import django
django.setup()
from liftos.kernel.telemetry.manager import observe_operation
with observe_operation("short.lived", organisation=sys.argv[1]):
    pass
"""


def test_trace_at_process_exit_is_stored(committed_db):
    organisation = create_organisation(name="Brief", by=SYSTEM).id
    parts = connections["default"].settings_dict
    url = f"postgresql://{parts['USER']}@/{parts['NAME']}?host={parts['HOST']}&port={parts['PORT']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "liftos.settings",
        "LIFTOS_TRACE_PERSIST": "1",
        "DATABASE_URL": url,
        "LIFTOS_OWNER_DATABASE_URL": url,
    }
    subprocess.run([sys.executable, "-c", SCRIPT, str(organisation)], env=environment, check=True, timeout=60)
    with tenant_transaction(organisation):
        assert [trace.name for trace in TraceRecord.objects.all()] == ["short.lived"]
