"""Start the shop: ``python -m examples.storezero``."""

import argparse
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from .auth.accounts import DEMO
from .shop.app import build

WELCOME = """\
Storezero is open at {url}

  name    password                 one-time code
{users}

What to try (the panel beside each page shows what your session does):
  1. Put something into the cart as a guest, then log in: the cart is still there.
  2. Log in as carol: she owes a code, and is not signed in before. Her phone: {url}/demo/phone
  3. Log in from a second browser, then end the first one under "My sessions".
  4. Press +30 min in the time machine: an idle session expires while you watch.
  5. Forget your password: the mail lands on {url}/demo/outbox, and the reset ends every session.

Ctrl-C closes the shop. {fate}
"""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.storezero", description="A shop with live sessions.")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, default=8000, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="keep accounts and sessions in this directory")
    return parser.parse_args(argv)


def listening(host: str, port: int) -> socket.socket:
    """Take the port before anything is printed; say what to do if it is taken."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        sys.exit(f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port")


def welcome(port: int, data: Path | None) -> str:
    """Write what a person needs for the first minute."""
    users = "\n".join(f"  {user.name:7} {user.password:24} {'yes' if user.secret else 'no'}" for user in DEMO)
    fate = f"Everything stays in {data}." if data else "Nothing is kept; --data DIR would keep it."
    return WELCOME.format(url=f"http://localhost:{port}", users=users, fate=fate)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    options = arguments(argv)
    taken = listening(options.host, options.port)
    with tempfile.TemporaryDirectory(prefix="storezero-") as passing:
        shop = build(options.data or Path(passing))
        print(welcome(taken.getsockname()[1], options.data), flush=True)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(shop, log_level="warning")).run(sockets=[taken])


if __name__ == "__main__":
    main()
