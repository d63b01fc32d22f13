"""The tool sets by name, as in `/mcp/memory` and `manage.py mcp --tools memory`."""

from liftos.mcp.tools.graph import GRAPH
from liftos.mcp.tools.main import MAIN

SETS = {"": MAIN, "memory": GRAPH}
