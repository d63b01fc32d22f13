"""The ASGI application run by the web server."""

# sets up Django, before imports of models
from liftos.wsgi import application as wsgi

# isort: split
from liftos.mcp.http import PREFIX, Endpoint
from liftos.mcp.tools.sets import SETS
from liftos.runtime.web.bridge import Bridge

application = Bridge(wsgi, mounts={})
application.mount(PREFIX, Endpoint(application, SETS))
