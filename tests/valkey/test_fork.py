"""A store that was used before a fork is the parent's and the child's, and no reply crosses over."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.servers.valkey import Server

ROOT: Final = Path(__file__).parents[2]

LOADING: Final = """
import logging, os, sys
from sessioncore.testing.rows import OTHER, SID, guest, user
from sessioncore_io.valkey import ValkeyStore

logging.disable()
store = ValkeyStore(sys.argv[1])
store.swap(None, guest()), store.swap(None, user(OTHER))
child = os.fork()
mine = guest() if child else user(OTHER)
right = all(store.load(mine.sid)[0] == mine for _ in range(200))
store.close()
if not child:
    os._exit(0 if right else 1)
sys.exit(0 if right and os.waitpid(child, 0)[1] == 0 else 1)
"""

LISTENING: Final = """
import logging, os, sys, threading
from sessioncore import Ending, Reason
from sessioncore_io.valkey import ValkeyStore

def listen():
    heard = {Ending(): threading.Event(), Ending(subject="alice"): threading.Event()}
    store.subscribe(lambda ending: heard[ending].set())
    return [heard[Ending()].wait(20), heard[Ending(subject="alice")]]

logging.disable()
store = ValkeyStore(sys.argv[1])
_, parent_hears = listen()
reader, writer = os.pipe()
child = os.fork()
if not child:
    begins, hears = listen()
    os.write(writer, b"!")
    os._exit(0 if begins and hears.wait(20) else 1)
os.read(reader, 1)
store.supersede("alice", 1, Reason.ADMIN)
sys.exit(0 if parent_hears.wait(20) and os.waitpid(child, 0)[1] == 0 else 1)
"""


@pytest.mark.parametrize("script", [LOADING, LISTENING])
def test_no_connection_crosses_a_fork_and_the_child_hears_of_ends_though_its_parent_listens(
    valkey_server: Server, script: str
) -> None:
    valkey_server.ask("FLUSHALL")
    command = [sys.executable, "-W", "error", "-c", script, valkey_server.url]
    ran = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, timeout=60)

    assert (ran.returncode, ran.stderr) == (0, b"")
