"""The parts of `rank`: what metrics, calls, spans, logs and changes say of an incident."""
