"""Files and folders that only their owner may read, whatever the umask says."""

import os
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for the owner only; one that is there is left as it is."""
    if path.is_dir():
        return
    private_folder(path.parent)
    try:
        path.mkdir(mode=FOLDER)
        path.chmod(FOLDER)
    except FileExistsError:
        return


def private_file(path: Path) -> None:
    """Make an empty file for the owner only, or make one that is there so."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE))
    path.chmod(FILE)


def write_private(path: Path, text: str) -> None:
    """Write a file for the owner only, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, FILE), "w", encoding="utf-8") as out:
        out.write(text)
    part.chmod(FILE)
    part.replace(path)
