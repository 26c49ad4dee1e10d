"""The parts of `compare` and `samples`: statistics of a window, their errors, and verdicts over a family."""
