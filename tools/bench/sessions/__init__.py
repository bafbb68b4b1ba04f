"""What sessions cost: accounting that is on the disk before it is answered, a million of them, and a thousand that
change at once.

Accounting is beside FreeRADIUS and its SQLite session database; the others against the limits that nacd sets itself.
"""
