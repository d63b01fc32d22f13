"""Benchmarks of the whole product, each on its own database: `manage.py bench NAME`."""
