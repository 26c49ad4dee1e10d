"""Scenes: simulated estates in which something is wrong (or nothing is), told at the level of signals.

What playbooks are tried on where the real thing would take a data centre. Nothing in a scene runs: every number is a
function of time. `python -m console.lab.scenes` plays them and writes the library's bundles.
"""
