"""Comparing, in pure numpy: no I/O, no clock, no logging. A library in its own right.

compare, samples    is current worse than baseline? series over time; plain samples        parts: series/
drift, slices       did the rows change, where, since when? (profiles: counts that add up)   parts: columns/
performance         are fewer answers right?                                                 parts: answers/
rank, templates     which service, or which change, is to blame? what do logs say?           parts: incidents/
frames, overlay, onset, families, tails   what several of them stand on
"""
