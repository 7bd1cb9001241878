"""A reverse proxy that strips a prefix, as JupyterHub, code-server and rewrites of nginx do; websockets pass through.

    with PrefixProxy("http://127.0.0.1:8501") as url:
        page.goto(f"{url}/train")

Whatever lies outside the prefix gets 404. `refused` may name a part of an address that gets `status` instead.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from urllib.parse import urlsplit

PREFIX = b"/user/ada/proxy/8501"


class PrefixProxy:
    """A proxy before a server, in its own thread."""

    def __init__(self, upstream: str) -> None:
        self.outside: list[str] = []
        self.refused = b""
        self.status = b"502 Bad Gateway"
        self._port = urlsplit(upstream).port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PREFIX.decode()}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()
        request, *headers = head[:-4].split(b"\r\n")
        method, path, version = request.split(b" ")
        if not path.startswith(PREFIX + b"/"):
            self.outside.append(path.decode())
            return _answer(writer, b"404 Not Found")
        if self.refused and self.refused in path:
            return _answer(writer, self.status)
        if not any(line.lower().startswith(b"upgrade:") for line in headers):
            headers = [line for line in headers if not line.lower().startswith(b"connection:")] + [b"Connection: close"]
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return _answer(writer, b"502 Bad Gateway")
        onward = [b" ".join([method, path[len(PREFIX) :], version]), *headers]
        to_server.write(b"\r\n".join(onward) + b"\r\n\r\n")
        await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))


def _answer(writer: asyncio.StreamWriter, status: bytes) -> None:
    writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
