"""The command line: ``program`` holds words and options, each word has its file, imported only when it is used."""

from dosetwin.cli.program import BAD_INPUT, INTERRUPTED, OK, OUR_FAULT, REFUSAL, app, main, run

__all__ = ["BAD_INPUT", "INTERRUPTED", "OK", "OUR_FAULT", "REFUSAL", "app", "main", "run"]
