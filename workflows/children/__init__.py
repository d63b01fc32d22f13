"""Runs that steps of other runs started: children.

A step with the function `workflow.run` starts a run of a published template and waits for it without a worker: it is running without a
claim, as a map is. When the child has ended, the relay makes the step ready again, and whoever claims it takes the child's results. Cancelling,
pausing, resuming and rerunning a run does the same to its children.

Locks: a parent's row before its child's, never the other way round.
"""
