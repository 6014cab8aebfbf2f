"""A load run that is given up while calls of it hang."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support import formats
from support.exchanges import EXCHANGE
from support.waiting import WAIT

from shadow_mw.runner.backfill import Stored
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.load import Arrival, Load
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Usage, WireFormat
from shadow_mw.wire import format_of

PATH = "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
STORED = Stored(
    replace(EXCHANGE, request=json.dumps(BODY).encode()),
    format_of(WireFormat.OPENAI_CHAT).read_request(BODY),
    dict(BODY),
    "b" * 16,
    Usage(),
)


class OnceAnswers:
    """A candidate that answers its first call, and no other."""

    def __init__(self) -> None:
        self.asked = 0
        self.hangs = asyncio.Event()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"hello")
            self.asked += 1
            if self.asked > 1:
                self.hangs.set()
                # Until the client is gone.
                await reader.read()
                return
            reply = json.dumps(formats.reply(PATH, BODY)).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(reply)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + reply)
        finally:
            writer.close()


@pytest.mark.parametrize("turns", range(4))
def test_it_ends_however_soon_the_second_signal_comes(
    settings: Settings, tmp_path: Path, turns: int
) -> None:
    async def give_up(ledger: Ledger) -> None:
        candidate = OnceAnswers()
        server = await asyncio.start_server(candidate.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asked = Candidate(id="c", url=f"http://127.0.0.1:{port}/v1", model="m")
        made = Load(settings, asked, ledger, 4)
        arrivals = [Arrival(0.0, STORED), Arrival(3600.0, STORED)]
        running = asyncio.create_task(made.run(arrivals, lambda _: None))
        await candidate.hangs.wait()
        made.stop("interrupted")
        # What waits to be stopped is woken in turns of the loop.
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=WAIT)
        server.close()
        assert done
        with pytest.raises(asyncio.CancelledError):
            await running

    with closing(Ledger(tmp_path)) as ledger:
        asyncio.run(give_up(ledger))
