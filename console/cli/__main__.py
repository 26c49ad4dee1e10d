"""`python -m console.cli` is `andon`."""

from console.cli import main

main()
