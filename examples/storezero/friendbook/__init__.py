"""Friendbook, the identity provider: the same pages as the login service, with its own users and its own session."""

from typing import Final

from ..auth.accounts import DemoUser
from ..auth.app import IDP_POLICY, Service
from ..common.wiring import Words

FRIENDS: Final = (
    DemoUser(name="frida", greeting="Frida Kahlo", password="a ribbon round a bomb", id="friend-frida"),
    DemoUser(name="gus", greeting="Gus Grissom", password="the hatch just blew", id="friend-gus"),
)

FRIENDBOOK: Final = Service(
    part="idp",
    words=Words(title="Friendbook", short="Friendbook", role="the identity provider"),
    policy=IDP_POLICY,
    users=FRIENDS,
)
