"""The ways to break the practice line, one module each, with a manifest beside it that says what is expected."""
