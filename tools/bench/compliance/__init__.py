"""What verdicts cost nacd: memory, time to look one up, a restart with many of them, an Intune that is slow.

No other server is beside it: these are measured against the limits that nacd sets itself.
"""
