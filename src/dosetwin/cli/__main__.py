"""``python -m dosetwin.cli`` is the ``dosetwin`` command."""

from dosetwin.cli.program import main

main()
