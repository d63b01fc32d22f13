"""The application that the web server runs."""

# sets Django up, before anything that has models
from liftos.wsgi import application as wsgi

# isort: split
from liftos.runtime.web.bridge import Bridge

application = Bridge(wsgi, mounts={})
