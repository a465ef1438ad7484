"""One-time codes of an authenticator app (TOTP, RFC 6238): the second factor."""

from datetime import UTC, datetime
from typing import Final

import pyotp
import qrcode  # type: ignore[import-untyped]
from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

from ..common.database import Database
from .accounts import Account

PERIOD: Final = 30


class Codes:
    """Check codes, each good once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, account: Account, code: str, at: int) -> bool:
        """Check a code and use it up: a code that was seen over somebody's shoulder is worth nothing."""
        step = matching_step(account.secret, code, at)
        insert = "INSERT INTO spent_codes (account, step) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return step is not None and self._database.changed(insert, account.id, step)


def matching_step(secret: str, code: str, at: int) -> int | None:
    """Find the time step whose code this is: the present one, or one beside it for clocks that differ."""
    digits = "".join(code.split())
    now = at // 1000 // PERIOD
    found = [step for step in (now, now - 1, now + 1) if _same(code_at(secret, step * PERIOD * 1000), digits)]
    return found[0] if found else None


def code_at(secret: str, at: int) -> str:
    """Give the code that the phone shows at an instant."""
    return pyotp.TOTP(secret, interval=PERIOD).at(datetime.fromtimestamp(at / 1000, UTC))


def seconds_left(at: int) -> int:
    """Say how long the present code will be shown."""
    return PERIOD - at // 1000 % PERIOD


def new_secret() -> str:
    """Draw a secret for the phone and the shop to share."""
    return pyotp.random_base32()


def qr_svg(name: str, secret: str) -> str:
    """Draw what the authenticator app scans."""
    address = pyotp.TOTP(secret, interval=PERIOD).provisioning_uri(name=name, issuer_name="Storezero")
    drawn: bytes = qrcode.make(address, image_factory=SvgPathImage, border=2).to_string()
    return drawn.decode()


def _same(expected: str, presented: str) -> bool:
    return pyotp.utils.strings_equal(expected, presented)
