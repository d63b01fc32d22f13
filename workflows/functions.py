"""The functions that steps can call; each app registers its own with `liftos.kernel.functions.register`.

- `memory.*`: memory/functions.py and memory/reading_functions.py
- `decisions.record`: accountability/functions.py
- `http.request`: workflows/outbound/function.py
- `workflow.run`: workflows/children/function.py
- `marketing.digest`: workflows/marketing/functions.py
- `marketing.causal_impact`, `marketing.difference_in_differences`, `marketing.saturation`: workflows/marketing/causal/functions.py

A new function belongs to the app whose operation it calls; docs/workflows.md lists its options.
"""

from workflows.children import function as children  # noqa: F401  registers it
from workflows.marketing import functions  # noqa: F401  registers it
from workflows.marketing.causal import functions as causal_functions  # noqa: F401  registers them
from workflows.outbound import function  # noqa: F401  registers it
