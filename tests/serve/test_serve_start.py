"""How the service starts, and what stops it from starting: one line, and the store untouched."""

import socket
import subprocess
import sys

import pytest
from support.serve import COMMAND, running_serve
from support.servers import clean_environ, free_port

TOKEN = "a-token-of-this-deployment"


def refused(tmp_path, **env):
    """A start that fails; its one line."""
    done = subprocess.run(
        COMMAND,
        env=clean_environ(**{"SHADOW_STORE": str(tmp_path / "shadow.db")} | env),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert not (tmp_path / "shadow.db").exists()
    return done.returncode, line


def test_the_line_at_the_start_says_what_is_in_force(tmp_path):
    with running_serve(tmp_path, SHADOW_OTLP_TOKEN=TOKEN) as serve:
        [line] = serve.log().splitlines()
        assert serve.stop() == 0
    assert line == (
        f"shadow-mw: listening on {serve.url} (token required); page {serve.url}/;"
        f" store {serve.store};"
        " alarms are told to nobody; scores go nowhere"
    )
    assert serve.log().splitlines() == [line]


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "10.1.2.3", "example.com"])
def test_others_may_reach_it_only_with_a_token(tmp_path, host):
    code, line = refused(tmp_path, SHADOW_LISTEN=f"{host}:4319")
    assert code == 78
    assert line == (
        f"shadow-mw: SHADOW_LISTEN={host}:4319: others can reach it; accepted is a loopback"
        " address, or any with SHADOW_OTLP_TOKEN"
    )


def test_with_a_token_it_listens_anywhere(tmp_path):
    port = free_port()
    with running_serve(tmp_path, SHADOW_LISTEN=f"0.0.0.0:{port}", SHADOW_OTLP_TOKEN=TOKEN) as serve:
        assert serve.client.get(f"http://127.0.0.1:{port}/metrics").status_code == 200


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = refused(tmp_path, SHADOW_LISTEN=f"127.0.0.1:{port}")
    assert code == 78
    assert line == f"shadow-mw: SHADOW_LISTEN=127.0.0.1:{port}: Address already in use"


def test_a_store_that_is_none_is_one_line(tmp_path):
    path = tmp_path / "other.db"
    path.write_bytes(b"something else" * 100)
    code, line = refused(tmp_path, SHADOW_STORE=str(path), SHADOW_LISTEN=f"127.0.0.1:{free_port()}")
    assert code == 65
    assert "not a SQLite database" in line


def test_an_unknown_check_is_one_line(tmp_path):
    listen = f"127.0.0.1:{free_port()}"
    code, line = refused(tmp_path, SHADOW_CHECKS='{"only": ["jsn"]}', SHADOW_LISTEN=listen)
    assert code == 78
    assert line.startswith("shadow-mw: checks.only=jsn: accepted are json, schema, length, ")


def test_without_its_extra_one_line_says_what_to_install():
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['shadow-mw', 'serve']\n"
        "from shadow_mw.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environ(), capture_output=True, text=True
    )
    assert done.returncode == 78
    assert done.stderr == (
        "shadow-mw: serve needs prometheus-client and uvicorn: pip install 'shadow-mw[serve]'\n"
    )


def test_the_command_line_itself_loads_no_server():
    names = "('uvicorn', 'starlette', 'prometheus_client', 'google.protobuf')"
    code = f"import sys, shadow_mw.cli; print([m for m in {names} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
