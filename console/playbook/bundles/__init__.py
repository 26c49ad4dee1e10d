"""Bundles: one file that holds all an incident needs to be looked at, replayed and tested."""
