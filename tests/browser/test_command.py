"""The command that starts the shop, and the picture that it draws."""

import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from examples.storezero.stage.picture import ARROWS, PLACES, draw

from sessioncore import TABLE, State

ROOT = Path(__file__).parents[2]


def test_the_command_serves_the_shop_and_prints_what_to_try(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.storezero", "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            url = running.stdout.readline().rpartition(" ")[2].strip()
            answer = urlopen(url, timeout=20).read().decode()
        finally:
            running.terminate()
        printed = running.stdout.read()

    stored = (tmp_path / "data" / "shop.sqlite3").read_bytes()

    assert "Eight good things" in answer
    assert "alice" in printed
    assert "down the rabbit hole" in printed
    # RFC 9106, 4: 64 MiB of memory and three passes.
    assert stored.count(b"$argon2id$v=19$m=65536,t=3,p=4$") == 3
    assert (tmp_path / "data" / "sessions.sqlite3").exists()


def test_a_taken_port_is_said_to_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "examples.storezero", "--port", port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert ended.returncode == 1
    assert "choose another with --port" in ended.stderr


def test_the_picture_has_the_arrows_of_the_table_and_no_other() -> None:
    ways = {(row.source, row.to) for row in TABLE if row.source is not row.to}

    assert {(arrow.source, arrow.to) for arrow in ARROWS} == ways | {(None, State.CREATED)}
    assert set(PLACES) == set(State)


@pytest.mark.parametrize("state", list(State))
def test_the_picture_lights_one_state(state: State) -> None:
    drawn = draw(state, None, None)

    assert re.findall(r'lit" data-state="(\w+)"', drawn) == [state.name]
