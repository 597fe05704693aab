"""Where Chromium is; the browser tests and the benchmark of the page start it."""

import os
import shutil


def chromium() -> str | None:
    """A Chromium of the system, or the one named by DOSETWIN_CHROMIUM."""
    named = os.environ.get("DOSETWIN_CHROMIUM")
    return named or next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
