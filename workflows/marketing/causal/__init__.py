"""Causal analyses of marketing data, with their assumptions and placebo tests. Needs the extra "causal" (docs/marketing.md)."""
