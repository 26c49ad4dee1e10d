"""From a named cause to a verified fix: plan, policy, approval, apply, verify, roll back, audit.

The way of a plan: planning.py → policy.py → approving.py → applying.py → verifying.py; states.py says what may follow
what, and every step of it is one transaction of the store together with its line in the audit log.
"""
