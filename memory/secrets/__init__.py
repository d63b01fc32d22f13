"""Secrets in texts: found by a table of detectors, replaced or refused before anything is written or embedded. No Django."""
