"""A slow link to a port of this machine: so many bits a second each way, shared by all connections, and a round trip of so long."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PIECE = 1 << 14


@contextmanager
def slow_link(target: int, *, megabits: float, round_trip: float) -> Iterator[int]:
    """Yields its port. ``round_trip``: seconds."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="slow-link")
    thread.start()
    lanes = [_Lane(megabits * 1e6 / 8, round_trip / 2) for _ in range(2)]

    async def passage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(lanes[0].carry(reader, far_writer), lanes[1].carry(far_reader, writer))

    async def opened() -> asyncio.Server:
        return await asyncio.start_server(passage, "127.0.0.1", 0, limit=_PIECE)

    server = asyncio.run_coroutine_threadsafe(opened(), loop).result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


class _Lane:
    """One direction. What is sent waits until the link has carried all that was before it."""

    def __init__(self, rate: float, delay: float) -> None:
        self._rate, self._delay, self._free = rate, delay, 0.0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.ensure_future(self._deliver(arriving, writer))
        now = asyncio.get_running_loop().time
        try:
            while data := await reader.read(_PIECE):
                self._free = max(self._free, now()) + len(data) / self._rate
                sent = self._free
                await arriving.put((sent + self._delay, data))
                await asyncio.sleep(max(0.0, sent - now()))  # as a sender's window does: it fills the link, and no more
        except ConnectionError:
            pass
        await arriving.put((self._free + self._delay, b""))
        await delivering

    async def _deliver(self, arriving: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await arriving.get()
            await asyncio.sleep(max(0.0, due - now()))
            try:
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()
            except ConnectionError:
                return
