"""What conditions compare with: the grammar of guards has names and no literals."""

from typing import Final

YES: Final = True
NO: Final = False
AT_ONCE: Final = 0
EMPTY: Final = ""
