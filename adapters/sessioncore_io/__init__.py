"""Everything of sessioncore that touches the world: the shell, the web adapters and the stores."""

from .cookies import Cookie
from .handle import AsyncHandle, Challenge, Handle
from .shell import ANY_SUBJECT, AsyncSessions, Sessions
from .storing import CLEAR

__all__ = ["ANY_SUBJECT", "CLEAR", "AsyncHandle", "AsyncSessions", "Challenge", "Cookie", "Handle", "Sessions"]
