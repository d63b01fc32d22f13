"""Webhooks by the Standard Webhooks specification: who receives what, signatures, sending, the log of deliveries."""
