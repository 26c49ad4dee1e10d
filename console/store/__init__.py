"""The daemon's memory: samples, incidents, runs, events and pinned baselines in one SQLite file with one writer.

`Store` (store.py) writes, `StoreReader` (reader.py) answers queries over windows, `StoreLock` (lock.py) keeps a second
writer out. Each is imported from its own module, so that asking for the lock does not pay for numpy.
"""
