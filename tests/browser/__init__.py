"""Needs playwright and chromium, which only `make test-all` installs."""
