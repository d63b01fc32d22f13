"""Needs playwright and chromium, which `make test-all` installs and `make test` does without."""
