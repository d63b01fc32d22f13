"""The old platform's Python names, which `liftos.spine` publishes; importing one in a plain process sets Django up."""

from liftos.compat.names.assembling import assemble

assemble()
