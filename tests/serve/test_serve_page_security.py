"""Who gets the live page, and what other pages of a browser can do to it."""

import re
import socket
import time

import pytest
from serve.page_data import fill
from support.serve import running_serve

from shadow_mw.serve.sessions import Sessions, Signer

TOKEN = "a-token-that-nobody-guesses"
PATHS = ("/v1/report", "/v1/harm", "/v1/harm/1", "/v1/label/1")


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """With a token."""
    with running_serve(tmp_path_factory.mktemp("closed"), SHADOW_OTLP_TOKEN=TOKEN) as one:
        fill(one, TOKEN)
        yield one


@pytest.fixture(scope="module")
def open_one(tmp_path_factory):
    """Without one."""
    with running_serve(tmp_path_factory.mktemp("open")) as one:
        fill(one)
        yield one


@pytest.fixture
def browser(closed):
    """A client that has cookies and no bearer header."""
    with closed.http as client:
        del client.headers["authorization"]
        yield client


def log_in(closed, browser, token=TOKEN, **headers):
    return browser.post("/login", data={"token": token}, headers={"origin": closed.url} | headers)


def test_without_a_session_there_is_a_form_and_nothing_else(closed, browser):
    page = browser.get("/")
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    for path in PATHS:
        response = browser.get(path)
        assert response.status_code == 401
        assert response.json() == {
            "error": "a session or a bearer token is required: SHADOW_OTLP_TOKEN"
        }
    origin = {"origin": closed.url}
    assert browser.post("/v1/labels", json={}, headers=origin).status_code == 401
    assert browser.get("/v1/session").status_code == 200


def test_the_token_gives_a_session_until_it_is_ended(closed, browser):
    answer = log_in(closed, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert 'type="password"' not in browser.get("/").text
    assert browser.get("/v1/session").status_code == 204
    assert browser.get("/v1/harm").json()["total"] == 7
    # What takes in spans wants the token itself.
    assert browser.get("/metrics").status_code == 401
    kept = dict(browser.cookies)
    assert browser.post("/logout", headers={"origin": closed.url}).status_code == 204
    assert browser.get("/v1/harm").status_code == 401
    browser.cookies.update(kept)
    assert browser.get("/v1/harm").status_code == 401


def test_where_somebody_wanted_to_go_is_kept_and_is_always_here(closed, browser):
    answer = browser.post(
        "/login?experiment=e&next=//evil.example/",
        data={"token": TOKEN},
        headers={"origin": closed.url},
    )
    assert answer.headers["location"] == "/?experiment=e&next=//evil.example/"


@pytest.mark.parametrize("value", ["", "x", "a.1.b", "a.9999999999.", "\u00e9.1.2"])
def test_a_forged_cookie_is_no_session(closed, browser, value):
    name = f"shadow_mw_session_{closed.url.rpartition(':')[2]}"
    header = {"cookie": f"{name}={value}".encode("latin-1")}
    assert browser.get("/v1/harm", headers=header).status_code == 401


def test_sessions_are_of_one_process_and_end():
    ours, others = Sessions(Signer()), Sessions(Signer())
    cookie = ours.begin()
    assert ours.known(cookie)
    assert not others.known(cookie)
    name, until, signature = cookie.split(".")
    assert not ours.known(f"{name}.{int(until) + 1}.{signature}")
    signer = Signer()
    past = f"{name}.1"
    assert not Sessions(signer).known(f"{past}.{signer.sign('session', past)}")
    # A signature for one purpose is none for another.
    assert not Sessions(signer).known(f"{name}.{until}.{signer.sign('ticket', f'{name}.{until}')}")


def test_guessing_is_slow_and_keeps_nobody_out(tmp_path):
    with running_serve(tmp_path, SHADOW_OTLP_TOKEN=TOKEN) as serve, serve.http as browser:
        del browser.headers["authorization"]
        seen = [log_in(serve, browser, f"wrong {n}").status_code for n in range(10)]
        assert seen == [401] * 10
        began = time.monotonic()
        assert log_in(serve, browser, "wrong again").status_code == 401
        assert time.monotonic() - began > 0.9
        right = []
        for _ in range(3):
            began = time.monotonic()
            assert log_in(serve, browser).status_code == 303
            assert serve.client.get("/v1/harm").status_code == 200
            right.append(time.monotonic() - began)
        assert min(right) < 0.9


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "OURS", "sec-fetch-site": "cross-site"},
        {"origin": "OURS", "sec-fetch-site": "same-site"},
    ],
)
def test_another_page_cannot_write(open_one, headers):
    headers = {name: value.replace("OURS", open_one.url) for name, value in headers.items()}
    ticket = open_one.client.get("/v1/label/1").json()["ticket"]
    body = {"id": 1, "ticket": ticket, "choice": "tie"}
    response = open_one.client.post("/v1/labels", json=body, headers=headers)
    assert response.status_code == 403
    response = open_one.client.post("/login", data={"token": "x"}, headers=headers)
    assert response.status_code == 403
    ours = {"origin": open_one.url}
    assert open_one.client.post("/v1/labels", content=b"{}", headers=ours).status_code == 415
    form = open_one.client.post("/v1/labels", data={"id": "1"}, headers=ours)
    assert form.status_code == 415
    text = ours | {"content-type": "text/plain"}
    assert open_one.client.post("/v1/labels", content=b"{}", headers=text).status_code == 415
    large = ours | {"content-type": "application/json"}
    big = open_one.client.post("/v1/labels", content=b" " * 5000, headers=large)
    assert big.status_code == 413
    deep = open_one.client.post("/v1/labels", content=b"[" * 4000, headers=large)
    assert deep.status_code == 400


def test_a_program_with_the_token_may_write(closed):
    ticket = closed.client.get("/v1/label/1?person=ann").json()["ticket"]
    body = {"id": 1, "ticket": ticket, "choice": "none", "person": "ann"}
    assert closed.client.post("/v1/labels", json=body).json() == {"id": 1, "labelled": 0}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1"])
def test_a_name_that_was_made_to_lead_here_gets_nothing(open_one, host):
    for path in ("/", *PATHS):
        response = open_one.client.get(path, headers={"host": host})
        assert response.status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4318", "127.0.0.2:80", "[::1]:4318"])
def test_names_of_this_host_are_answered(open_one, host):
    assert open_one.client.get("/v1/harm", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/static/../page.css",
        "/v1/harm/../../etc/passwd",
        "/v1/harm/1%00",
        "/v1/harm/-1",
        "/v1/label/%2e%2e",
        "//evil.example/",
    ],
)
def test_nothing_but_the_known_paths_is_there(open_one, path):
    host, port = open_one.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.match(rb"HTTP/1.1 (404|400)", answer)
    assert b"root:" not in answer
