"""The parts of `drift`: what one column shows, past both nulls; texts and vectors from several sides; relations."""
