"""Measurements of the whole product, each on a database of its own: `manage.py bench NAME`."""
