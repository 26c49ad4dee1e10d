"""Playbooks: the YAML language, and running it.

playbook = load(path)                                   # checked, typed, compiled; PlaybookError says file:line:column
run = await run(playbook, {"model": "glove"}, situation, step_types=types)
"""
