"""The two values of a flag, to be compared with."""

from typing import Final

YES: Final = True
NO: Final = False
