"""Bodies of ``dosetwin serve``, ``dosetwin store`` and ``dosetwin audit``."""

import sys

from dosetwin.serve.settings import Settings


def serve(*, demo: bool, host: str | None, port: int | None) -> int:
    """Run the service until it is stopped. Raises InputError for unsafe settings."""
    import uvicorn

    from dosetwin.serve.app import NOTICE, create_app

    settings = Settings.from_environment(demo=demo or None, host=host, port=port)
    if settings.demo and settings.data_dir == Settings().data_dir:
        from tempfile import mkdtemp

        settings = settings.model_copy(update={"data_dir": _path(mkdtemp(prefix="dosetwin-demo-"))})
    app = create_app(settings)
    if settings.demo:
        sys.stderr.write(
            f"dosetwin: a ward of made-up newborns on http://{settings.host}:{settings.port}/ (Ctrl-C stops it). {NOTICE}\n"
        )
    # access logs would hold patients' ids
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False,
                timeout_keep_alive=30, limit_concurrency=200, timeout_graceful_shutdown=15)  # fmt: skip
    return 0


def _path(text: str):
    from pathlib import Path

    return Path(text)
