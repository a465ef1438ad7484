"""Rows of the tables of a page."""


def row(*cells: object) -> str:
    """Write one row."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*columns: str) -> list[str]:
    """Write the head of a table; a column whose name begins with "#" holds numbers."""
    names = [column.lstrip("#") for column in columns]
    return [row(*names), f"|{'|'.join('--:' if column.startswith('#') else '---' for column in columns)}|"]


def strong(text: str, *, ours: bool) -> str:
    """Set our own name in bold."""
    return f"**{text}**" if ours else text
