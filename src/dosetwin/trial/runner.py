"""A trial run chunk by chunk into a folder: Parquet per chunk, resumable, the same for any number of workers and any chunks.

A chunk is a range of patients; its file appears whole (written beside, flushed, renamed) or not at all, and holds every arm of
those patients, so a run that was killed is continued by running it again: finished chunks are kept, the others are run. Memory
per worker is that of one chunk. ``trial.json`` in the folder says whose results they are; another design is refused.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dosetwin.errors import InputError
from dosetwin.trial.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

BY = ("threads", "processes")
RETRIES = 2
"""A chunk whose worker died is tried this many times more, then named in the report."""
STATE = "trial.json"
STALE_S = 3600.0
"""s; a half-written file of a runner that was killed is removed when it is older than this."""
Range = tuple[int, int]
"""First patient of a chunk (from 0 within the design) and how many."""


def chunks(n: int, size: int) -> list[Range]:
    """The ranges of ``n`` patients."""
    return [(first, min(size, n - first)) for first in range(0, n, size)]


def chunk_path(out: Path, chunk: Range, who: str) -> Path:
    """Where a chunk's results lie; ``who`` are treated."""
    return out / "chunks" / f"{who}-{chunk[0]:09d}-{chunk[0] + chunk[1] - 1:09d}.parquet"


def write_chunk(design: Study, chunk: Range, out: Path) -> float:
    """Run a chunk and put its file in place, whole; returns the seconds it took."""
    import pyarrow.parquet as pq

    begin = time.perf_counter()
    path = chunk_path(out, chunk, design.who[1])
    table = design.table(*chunk).replace_schema_metadata({"design": design.hash})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            pq.write_table(table, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return time.perf_counter() - begin


# ------------------------------------------------------------------------------------------------------------ all of them


@dataclass
class Run:
    """What a run did: chunks kept from before, run now, and those that could not be run (with why); seconds in all and inside."""

    out: Path
    kept: int = 0
    ran: int = 0
    lost: dict[Range, str] = field(default_factory=dict)
    seconds: float = 0.0
    chunk_seconds: float = 0.0


def prepare(design: Study, out: Path) -> list[Range]:
    """Make or check the folder; the chunks of the design. Raises InputError when it holds another design's results."""
    state = out / STATE
    if state.exists():
        try:
            found = json.loads(state.read_text(encoding="utf-8"))
            theirs, size = found["hash"], int(found["chunk"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"not the state of a trial: {error}", where=str(state), remedy="choose another folder") from None
        if theirs != design.hash:
            raise InputError(
                "holds the results of another design", where=str(out), value=found.get("name"), remedy="choose another folder"
            )
        _sweep(out / "chunks")
        return chunks(design.n, size)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("is not an empty folder or that of this trial", where=str(out), remedy="choose another folder")
    try:
        (out / "chunks").mkdir(parents=True, exist_ok=True)
        text = json.dumps({"hash": design.hash, "name": design.name, "chunk": design.chunk, "design": design.to_json()}, indent=1)
        temporary = out / f".{STATE}.{os.getpid()}.tmp"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, state)
    except OSError as error:
        raise InputError(f"cannot be used ({error.strerror or error})", where=str(out)) from None
    return chunks(design.n, design.chunk)


def _sweep(folder: Path) -> None:
    """Remove half-written files that are old by the folder's own clock; a young one may be another runner's, writing now."""
    probe = folder / f".{os.getpid()}.{threading.get_ident()}.probe"
    probe.touch()
    now = probe.stat().st_mtime
    probe.unlink()
    for old in folder.glob(".*.tmp"):
        try:
            if now - old.stat().st_mtime > STALE_S:
                old.unlink()
        except FileNotFoundError:  # its writer has just put it in place
            continue


def done(out: Path, chunk: Range, design: Study) -> bool:
    """Whether a chunk's file is there, readable and of this design."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = chunk_path(out, chunk, design.who[1])
    if not path.exists():
        return False
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return False
    return metadata.get(b"design", b"").decode() == design.hash


def run(
    design: Study,
    out: Path,
    *,
    workers: int = 1,
    by: Literal["threads", "processes"] = "processes",
    cluster: str = "",
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Run:
    """Run what is missing of a trial into ``out``.

    Parameters
    ----------
    workers, by : how many at once on this machine, as threads or processes.
    cluster : "" (none), "local" or the address of a Dask scheduler; then ``workers`` counts the local cluster's workers.
    tell : called with patients done and patients in all.

    A chunk whose worker dies is retried, then left out and named in ``Run.lost``. Any other exception is raised.
    """
    if workers < 1 or by not in BY:
        raise InputError(
            "how many workers, and of which kind", where="workers", value=(workers, by), allowed=">= 1; " + ", ".join(BY)
        )
    begin = time.perf_counter()
    todo = prepare(design, out)
    missing = [c for c in todo if not done(out, c, design)]
    found = Run(out, kept=len(todo) - len(missing))
    ready = sum(c[1] for c in todo) - sum(c[1] for c in missing)
    tell(ready, design.n)
    if cluster:
        from dosetwin.trial.cluster import on_cluster

        results = on_cluster(design, missing, out, address=cluster, workers=workers)
    elif workers == 1:
        results = ((c, write_chunk(design, c, out)) for c in missing)
    elif by == "threads":
        results = _pooled(design, missing, out, lambda: ThreadPoolExecutor(workers), workers)
    else:
        results = _pooled(design, missing, out, lambda: _processes(workers), workers)
    for chunk, took in results:
        if isinstance(took, str):
            found.lost[chunk] = took
            continue
        found.ran += 1
        found.chunk_seconds += took
        ready += chunk[1]
        tell(ready, design.n)
    found.seconds = time.perf_counter() - begin
    return found


def _processes(workers: int) -> ProcessPoolExecutor:
    """Worker processes that end with this one, each with one thread in libraries that would take more."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_with, initargs=(os.getpid(),))


def _leave_with(parent: int) -> None:
    """End this process soon after ``parent`` has gone (a killed parent cannot tell its children)."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _pooled(
    design: Study, todo: list[Range], out: Path, pool_of: Callable[[], Executor], workers: int
) -> Iterator[tuple[Range, float | str]]:
    """Chunks through a pool; after a death of a worker, those that were under way are tried again one at a time."""
    waiting, died = list(todo), dict.fromkeys(todo, 0)
    suspects: list[Range] = []
    while waiting or suspects:
        alone = bool(suspects)
        running: dict[Future[float], Range] = {}
        pool = pool_of()
        try:
            queue = suspects if alone else waiting
            width = 1 if alone else 2 * workers
            while queue or running:
                while queue and len(running) < width:
                    chunk = queue.pop(0)
                    running[pool.submit(write_chunk, design, chunk, out)] = chunk
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    took = ended.result()
                    yield running.pop(ended), took
        except BrokenProcessPool:
            for chunk in running.values():
                if done(out, chunk, design):
                    yield chunk, 0.0
                    continue
                died[chunk] += 1
                if died[chunk] > RETRIES:
                    yield chunk, f"its worker died {died[chunk]} times"
                else:
                    suspects.append(chunk)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def read(out: Path, design: Study, columns: list[str] | None = None) -> "pa.Table":
    """The finished chunks of a design in a folder as one table, ordered by patient and arm; other files are not looked at."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = int(json.loads((out / STATE).read_text(encoding="utf-8"))["chunk"])
    paths = [path for chunk in chunks(design.n, size) if (path := chunk_path(out, chunk, design.who[1])).exists()]
    if not paths:
        raise InputError("no results", where=str(out))
    return pa.concat_tables([pq.read_table(path, columns=columns).replace_schema_metadata(None) for path in paths])
