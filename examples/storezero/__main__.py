"""Start everything: ``python -m examples.storezero``."""

import argparse
import socket
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from .app import build
from .auth.accounts import DEMO, DemoUser
from .common.sites import Sites, cross_site
from .friendbook import FRIENDS

WELCOME = """\
Storezero is open. Begin at the stage, which shows all sessions side by side: {start}

  the shop       {shop}
  orders app     {orders}
  reviews        {reviews}
  login service  {auth}
  Friendbook     {idp}

  name    password                 one-time code
{users}
  and at Friendbook:
{friends}

What to try (the panel beside each page shows what the sessions do):
  1. Put something into the cart as a guest, then log in: two sessions, and the cart is still there.
  2. Log in as carol: she owes a code, and is not signed in before. Her phone: {auth}/demo/phone
  3. Log in with Friendbook: three sessions. Then lose the shop's cookie, and come back without a question.
  4. Open the orders app and renew silently; log out in the shop and try again.
  5. Press +30 min for the shop alone: its session expires while you watch, the server's does not.
  6. Forget your password: the mail lands on {auth}/demo/outbox, and the reset ends every session.

Ctrl-C closes everything. {fate}
"""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.storezero", description="One login, three sessions, live."
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, default=8000, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--cross-site", action="store_true", help="put the shop and its login service on two sites")
    parser.add_argument("--data", type=Path, help="keep accounts and sessions in this directory")
    return parser.parse_args(argv)


def listening(host: str, port: int) -> socket.socket:
    """Take the port before anything is printed; say what to do if it is taken."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        advice = "choose another with --port, or make demo PORT=..."
        sys.exit(f"cannot listen on {host}:{port} ({error.strerror}); {advice}")


def welcome(sites: Sites, data: Path | None) -> str:
    """Write what a person needs for the first minute."""
    fate = f"Everything stays in {data}." if data else "Nothing is kept; --data DIR would keep it."
    urls = {part: sites.url(part) for part in ("shop", "orders", "reviews", "auth", "idp")}
    return WELCOME.format(start=sites.url("start"), users=_table(DEMO), friends=_table(FRIENDS), fate=fate, **urls)


def _table(users: Iterable[DemoUser]) -> str:
    return "\n".join(f"  {user.name:7} {user.password:24} {'yes' if user.secret else 'no'}" for user in users)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    options = arguments(argv)
    taken = listening(options.host, options.port)
    port = taken.getsockname()[1]
    sites = cross_site(port) if options.cross_site else Sites(port=port)
    with tempfile.TemporaryDirectory(prefix="storezero-") as passing:
        town = build(options.data or Path(passing), sites)
        print(welcome(sites, options.data), flush=True)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(town, log_level="warning")).run(sockets=[taken])


if __name__ == "__main__":
    main()
