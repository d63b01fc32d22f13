"""Prometheus metrics of events and webhooks, for all organisations together."""

from prometheus_client import Counter, Gauge

RELAYED = Counter("liftos_events_relayed_total", "Events that the relay has put in order")
SUBSCRIBER_FAILURES = Counter(
    "liftos_events_subscriber_failures_total", "Events that a subscriber failed to handle", ["subscriber"]
)
DELIVERIES = Counter(
    "liftos_webhook_deliveries_total", "Attempts to deliver to a webhook by outcome", ["outcome"]
)
RECEIVED = Counter("liftos_events_received_total", "Events from outside by outcome", ["outcome"])
WAITING = Gauge("liftos_events_waiting", "Events that wait for the relay", multiprocess_mode="mostrecent")
LAG = Gauge("liftos_events_lag_seconds", "Age of the oldest event that waits", multiprocess_mode="mostrecent")
BEHIND = Gauge(
    "liftos_events_subscribers_behind",
    "Failing subscribers of organisations, which retry",
    multiprocess_mode="mostrecent",
)
PENDING = Gauge(
    "liftos_webhook_deliveries_pending",
    "Deliveries that wait for their receiver",
    multiprocess_mode="mostrecent",
)
STREAMS = Gauge("liftos_event_streams", "Open event streams", multiprocess_mode="livesum")

for outcome in ("delivered", "failed"):
    DELIVERIES.labels(outcome)
for outcome in ("new", "duplicate"):
    RECEIVED.labels(outcome)
