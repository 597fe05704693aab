"""Answers of other servers, read to a limit: what is larger is not an answer anybody asked for."""

from typing import Any

import httpx

MOST = 2**20
"""Bytes of an answer that are read where nothing else is said."""


class TooLarge(httpx.HTTPError):
    """An answer larger than it may be."""


def send(method: str, url: str, *, client: httpx.Client | None = None, most: int = MOST, **more: Any) -> httpx.Response:
    """The answer to a request (``more`` as ``httpx.request`` has it, of a ``client`` or by itself), at most ``most`` bytes of it.

    Raises TooLarge, and whatever httpx raises.
    """
    stream = (client.stream if client is not None else httpx.stream)(method, url, **more)
    with stream as answer:
        parts, size = [], 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > most:
                raise TooLarge(f"the answer is larger than {most} bytes")
            parts.append(part)
        headers = {k: v for k, v in answer.headers.items() if k.lower() not in ("content-encoding", "content-length")}
        return httpx.Response(answer.status_code, headers=headers, content=b"".join(parts), request=answer.request)
