"""One patient's case from a file, whatever of the accepted formats it is in."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from dosetwin.errors import InputError
from dosetwin.io.nonmem import read_table
from dosetwin.io.table import MISSING, read_rows
from dosetwin.io.text import read_bytes
from dosetwin.records import Timeline

ACCEPTED = "a FHIR R4 Bundle (JSON), or a NONMEM-style .csv with one subject"


def read_case(path: Path | str, drug: str | None = None) -> Timeline:
    """The timeline in ``path``, chosen by content: a JSON object is a FHIR bundle, text with a header line a table.

    ``drug`` as in read_bundle. Raises InputError (one line, names the file) for everything else.

    >>> from importlib.resources import files
    >>> newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    >>> newborn.drug, len(newborn.doses)
    ('amikacin', 1)
    """
    from dosetwin.io.fhir import read_bundle  # fhir.resources takes most of a second to import

    file = Path(path)
    if read_bytes(file).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return read_bundle(file, drug)
    if not file.name.lower().endswith((".csv", ".csv.gz")):
        raise InputError("not a case", where=file.name, allowed=ACCEPTED)
    timelines, echo = read_table(file)
    if len(timelines) != 1:
        raise InputError(
            "a case is one patient",
            where=file.name,
            value=f"{len(timelines)} subjects",
            allowed="1",
            remedy="use fit or replay for many",
        )
    return replace(timelines[0], findings=echo.findings, drug=drug or "")


def hour_zero(path: Path | str) -> datetime | None:
    """When the hour 0 of a table of one patient was, where its TIME holds moments with their offset from UTC; else None.

    Moments without an offset are counted as hours all the same (``clock_read``), but nobody knows on whose clock they were.
    """
    table = read_rows(Path(path))
    at = next((i for i, head in enumerate(table.header) if head.strip().upper() == "TIME"), None)
    first = None if at is None else next((row[at].strip() for row in table.rows if row[at].strip() not in MISSING), None)
    try:
        when = None if first is None else datetime.fromisoformat(first.replace("Z", "+00:00"))
    except ValueError:
        return None
    return when if when is not None and when.tzinfo is not None else None
