"""Triggers: rules that start a run when an event arrives.

The relay queues a firing for each event that meets a trigger's conditions, in the transaction in which it handles the event. Workers
then start the runs, each in the transaction that settles its firing. So an event starts one run of a trigger, whatever is killed.
"""
