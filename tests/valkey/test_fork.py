"""A store that was used before a fork is the parent's and the child's, and no reply crosses over."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.servers.valkey import Server

ROOT: Final = Path(__file__).parents[2]

SCRIPT: Final = """
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


def test_a_connection_does_not_cross_a_fork(valkey_server: Server) -> None:
    valkey_server.ask("FLUSHALL")
    command = [sys.executable, "-W", "error", "-c", SCRIPT, valkey_server.url]
    ran = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, timeout=60)

    assert (ran.returncode, ran.stderr) == (0, b"")
