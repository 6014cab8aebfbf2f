"""Guesses at the bearer token are refused slowly, and cost the one who has it nothing."""

import asyncio
import threading
import time

import pytest
from support.serve import running_serve

from shadow_mw.serve.slowdown import FREE, MOST_HELD, Slowdown

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    with running_serve(tmp_path_factory.mktemp("serve"), SHADOW_OTLP_TOKEN=TOKEN) as one:
        yield one


def guess(serve, path="/metrics", method="GET", **headers):
    """Status, and seconds until it came."""
    with serve.http as client:
        began = time.monotonic()
        answer = client.request(method, path, headers={"authorization": "Bearer no"} | headers)
        return answer.status_code, time.monotonic() - began


def test_guesses_become_slow_and_the_right_token_does_not(serve):
    for _ in range(FREE):
        assert guess(serve)[0] == 401
    for path, method, status in (
        ("/metrics", "GET", 401),
        ("/v1/traces", "POST", 401),
        ("/v1/harm", "GET", 401),
        # What another page may not do tells nobody sooner that a token is wrong.
        ("/login", "POST", 403),
    ):
        found, seconds = guess(serve, path, method)
        assert (found, seconds > 0.9) == (status, True), path

    more = [threading.Thread(target=guess, args=(serve,)) for _ in range(20)]
    for one in more:
        one.start()
    with serve.http as browser, serve.http as behind:
        del browser.headers["authorization"]
        behind.headers["authorization"] = "Basic YW5uOnNlY3JldA=="  # of a proxy in front
        # No token at all is no guess: a browser that comes for the form gets it.
        asked = ((serve.client, "/metrics", 200), (serve.client, "/v1/harm", 200),
                 (browser, "/", 200), (browser, "/v1/harm", 401),
                 (behind, "/", 200))  # fmt: skip
        for client, path, status in asked:
            assert quickest(client, path, status) < 0.9, path
    for one in more:
        one.join(30)


def quickest(client, path, status):
    """Seconds of the best of three: a busy machine is not what is looked at."""
    found = []
    for _ in range(3):
        began = time.monotonic()
        assert client.get(path).status_code == status
        found.append(time.monotonic() - began)
    return min(found)


def test_what_waits_is_bounded():
    async def flood():
        slowdown = Slowdown(seconds=3600)
        for _ in range(FREE):
            await slowdown.wrong()
        tasks = [asyncio.create_task(slowdown.wrong()) for _ in range(3 * MOST_HELD)]
        for _ in range(10):
            await asyncio.sleep(0)
        held = [task for task in tasks if not task.done()]
        for task in held:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(held)

    assert asyncio.run(flood()) == MOST_HELD
