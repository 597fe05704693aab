"""The command line: ``program`` gathers the words; each has its file, which imports what it needs when it is used."""

from dosetwin.cli.program import BAD_INPUT, INTERRUPTED, OK, OUR_FAULT, REFUSAL, app, main, run

__all__ = ["BAD_INPUT", "INTERRUPTED", "OK", "OUR_FAULT", "REFUSAL", "app", "main", "run"]
