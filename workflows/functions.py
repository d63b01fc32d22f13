"""The functions that steps may call; each app registers its own with `liftos.kernel.functions.register`.

- `memory.*`: memory/functions.py
- `decisions.record`: accountability/functions.py
- `http.request`: workflows/outbound/function.py
- `marketing.digest`: workflows/marketing/functions.py

A new function belongs to the app whose operation it calls; docs/workflows.md tells what it may say of itself.
"""

from workflows.marketing import functions  # noqa: F401  registers it
from workflows.outbound import function  # noqa: F401  registers it
