"""The parts of `performance`: outcomes as counts, metrics with their limits, late labels, estimates."""
