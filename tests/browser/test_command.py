"""The command that starts the shop, and the picture that it draws."""

import re
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from examples.storezero.stage.picture import ARROWS, PLACES, draw

from sessioncore import TABLE, State

ROOT = Path(__file__).parents[2]


# Who answers at which host, by a word of the page that somebody sees there who is not signed in.
TITLES = {
    "www.storezero.localhost": "Eight good things",
    "orders.storezero.localhost": "All orders",
    "reviews.storezero.localhost": "What people say",
    "auth.storezero.localhost": "",
    "idp.localhost": "",
}


def page(port: int | None, host: str) -> tuple[str, str]:
    """Ask as a browser does that knows where ``localhost`` is; give where the answer leads, and what it says."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/", headers={"host": f"{host}:{port}"})
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.headers.get("location", ""), said


def test_the_command_serves_every_part_and_prints_what_to_try(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.storezero", "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            port = urlsplit(running.stdout.readline().rpartition(" ")[2].strip()).port
            start = page(port, "localhost")
            answers = {host: page(port, host)[1] for host in TITLES}
        finally:
            running.terminate()
        printed = running.stdout.read()

    stored = (tmp_path / "data" / "auth.sqlite3").read_bytes()

    assert start == (f"http://www.storezero.localhost:{port}/stage", "")
    for host, title in TITLES.items():
        assert title in answers[host]
        assert f"http://{host}:{port}" in printed
    assert "alice" in printed
    assert "down the rabbit hole" in printed
    # RFC 9106, 4: 64 MiB of memory and three passes.
    assert stored.count(b"$argon2id$v=19$m=65536,t=3,p=4$") == 3
    for part in ("shop", "reviews", "auth", "idp"):
        assert (tmp_path / "data" / f"{part}-sessions.sqlite3").exists()


def test_a_taken_port_is_said_to_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "examples.storezero", "--port", port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert "choose another with --port, or make demo PORT=..." in ended.stderr


def test_make_takes_the_port() -> None:
    said = subprocess.check_output(
        ["make", "--dry-run", "--no-print-directory", "demo", "PORT=8123"], cwd=ROOT, text=True
    )

    assert said.splitlines()[-1].endswith("-m examples.storezero --port 8123")


def test_the_picture_has_the_arrows_of_the_table_and_no_other() -> None:
    ways = {(row.source, row.to) for row in TABLE if row.source is not row.to}

    assert {(arrow.source, arrow.to) for arrow in ARROWS} == ways | {(None, State.CREATED)}
    assert set(PLACES) == set(State)


@pytest.mark.parametrize("state", list(State))
def test_the_picture_lights_one_state(state: State) -> None:
    drawn = draw(state, None, None)

    assert re.findall(r'lit" data-state="(\w+)"', drawn) == [state.name]
