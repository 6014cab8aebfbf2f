"""The routes of the live page over a real store, in this process: figures come without delay.

In the service a process of its own makes them, at most a tenth of the time.
"""

import json
import socket
import threading
import time
from contextlib import closing, contextmanager

import uvicorn
from starlette.applications import Starlette

from shadow_mw.commands.live import NOTHING, LivePage
from shadow_mw.commands.page_data import figures
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.watch import Watch
from shadow_mw.serve.page import PageRoutes


class AtOnce(LivePage):
    """Makes figures itself."""

    def __init__(self, path, watch):
        super().__init__(path, watch)
        self._store = path

    def report(self, series):
        with Store.open(self._store) as store:
            return json.dumps(figures(store, None if series == NOTHING else series)).encode()


@contextmanager
def live(path, port=0):
    """Serve a store until the block ends; its address."""
    with closing(Watch(path)) as watch, closing(AtOnce(path, watch)) as page:
        listener = socket.create_server(("127.0.0.1", port))
        app = Starlette(routes=PageRoutes(page, None).routes())
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            listener.close()
