"""Schedules: rules that start a run at times given by a cron expression.

Each time is a row, a tick, unique by schedule and time. One transaction writes the ticks that are due and moves the schedule on; another
settles a tick: it starts the run, or notes why not. So a time starts one run, however many workers look and whatever is killed. "Now" is
always the database's.
"""
