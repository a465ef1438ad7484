"""The addresses that parties register and go by: absolute, https, without a fragment; http on one's own machine."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sessioncore import InvalidSetting

_DEFAULT_PORT: Final = {"http": 80, "https": 443}
# What else Python takes for a host, browsers read otherwise; and the host goes into Content-Security-Policy as it is.
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:]+:[0-9a-f:.]*").fullmatch
_PLAIN: Final = re.compile(r"[!-~]+").fullmatch


def split(address: str) -> SplitResult:
    """Split an address. Raises ``ValueError`` for what is none."""
    parts = urlsplit(address)
    if not _PLAIN(address) or not _HOST(parts.hostname or "") or parts.port == 0:
        raise ValueError("no absolute address")
    return parts


def is_local(host: str) -> bool:
    """Tell whether a host name means one's own machine; browsers hold plain http to be secure there."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(name: str, address: str, *, fragment: bool = False) -> str:
    """Give an address back. Raises ``InvalidSetting`` unless it is https, or http on one's own machine."""
    try:
        parts = split(address)
    except ValueError:
        raise InvalidSetting(name, address, "write an absolute address, such as https://example.com/callback") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local(parts.hostname or "")):
        raise InvalidSetting(name, address, "use https; http is for localhost, *.localhost and 127.0.0.1 only")
    if parts.username is not None or ("#" in address and not fragment):
        raise InvalidSetting(name, address, "leave out the fragment, the user and the password")
    return address


def origin_of(address: str) -> str:
    """Give the origin of a checked address, as browsers write it."""
    parts = split(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORT.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
