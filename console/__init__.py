"""andon: a terminal console for the people on call for machine-learning systems."""

__version__ = "0.1.0"
