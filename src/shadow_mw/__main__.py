"""`python -m shadow_mw` is the `shadow-mw` command."""

from shadow_mw.cli import main

main()
