"""Chunks on a Dask cluster: a local one, or whatever scheduler answers at an address (SLURM, Kubernetes: Dask's own deployments).

Workers write their chunk files themselves, so the folder must be one that all of them see. Needs the extra ``cluster``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError
from dosetwin.trial.runner import RETRIES, Range, done, write_chunk
from dosetwin.trial.study import Study


def _one(design: Study, chunk: Range, out: str) -> float:
    path = Path(out)
    # a chunk that Dask runs again after a worker was lost may be finished already
    return 0.0 if done(path, chunk, design) else write_chunk(design, chunk, path)


def on_cluster(design: Study, todo: list[Range], out: Path, *, address: str, workers: int) -> Iterator[tuple[Range, float | str]]:
    """Run chunks on Dask; yields each with its seconds, or with why it was lost.

    Raises InputError when Dask is not installed or the scheduler does not answer.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise InputError("needs Dask", where="--cluster", remedy="pip install 'dosetwin[cluster]'") from None
    local: Any = None
    if address == "local":
        local = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1")
    try:
        client = Client(local if local is not None else address, timeout="20s")
    except (OSError, ValueError) as error:
        raise InputError(
            f"no scheduler answers: {error}", where=f"--cluster {address}", allowed="local or tcp://host:port"
        ) from None
    try:
        with client:
            futures = {
                client.submit(_one, design, chunk, str(out.resolve()), pure=False, retries=RETRIES): chunk for chunk in todo
            }
            for future in as_completed(list(futures)):
                chunk = futures[future]
                error = future.exception()
                if error is None:
                    yield chunk, future.result()
                elif isinstance(error, KilledWorker):
                    yield chunk, "its worker died " + str(RETRIES + 1) + " times or more"
                else:
                    raise error
    finally:
        if local is not None:
            local.close()
