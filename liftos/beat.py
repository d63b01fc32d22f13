"""The schedule of periodic tasks."""

from typing import Any

from liftos.runtime.environment import Environment

HOUR = 3600.0


def schedule(env: Environment) -> dict[str, dict[str, Any]]:
    """Return `CELERY_BEAT_SCHEDULE`; intervals are in seconds."""
    sweep, merge = env.LIFTOS_SWEEP_SECONDS, env.LIFTOS_LEDGER_MERGE_SECONDS
    every = {
        "sweep-pending-embeddings": ("memory.sweep_pending_embeddings", sweep),
        "sweep-graph": ("memory.sweep_graph", sweep),
        "sweep-postings": ("memory.sweep_postings", sweep),
        "sweep-indexes": ("memory.sweep_indexes", sweep),
        "sweep-lives": ("memory.sweep_lives", sweep),
        "sweep-firings": ("workflows.sweep_firings", sweep),
        "run-schedules": ("workflows.run_schedules", env.LIFTOS_SCHEDULE_SECONDS),
        "sweep-layouts": ("spaces.sweep", sweep),
        "sequence-the-ledger": ("accountability.sequence", merge),
        "sweep-decisions": ("accountability.sweep_decisions", sweep),
        "calibrate": ("accountability.calibrate", env.LIFTOS_CALIBRATION_HOURS * HOUR),
        "prune-workflow-runs": ("workflows.prune_runs", HOUR),
        "prune-traces": ("observability.prune_traces", HOUR),
        "prune-events": ("events.prune", HOUR),
        "sweep-files": ("files.sweep", HOUR),
        "roll-up-figures": ("observability.roll_up", 300.0),
    }
    if env.LIFTOS_CHECKPOINT_FILE or env.LIFTOS_CHECKPOINT_URL:
        every["deliver-checkpoints"] = ("accountability.deliver_checkpoints", merge)
    entries: dict[str, dict[str, Any]] = {
        name: {"task": task, "schedule": seconds} for name, (task, seconds) in every.items()
    }
    for name in ("sequence-the-ledger", "deliver-checkpoints"):
        if name in entries:
            # a run that could not start in time is superseded by the next
            entries[name]["options"] = {"expires": 10 * merge}
    # the next one does what this one would have done
    entries["run-schedules"]["options"] = {"expires": 10 * env.LIFTOS_SCHEDULE_SECONDS}
    return entries
