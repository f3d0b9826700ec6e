"""The recovery plane: points, explain, plan, replay, sinks, verify, promote, report.

Planners are functions of values (``model``); the shells that read the log and write documents are
thin. Nothing here needs a broker: the log and the metastore are opened beside it.
"""
