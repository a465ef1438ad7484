"""Draw single sign-on: its pictures, and the page that holds its tables."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from sessioncore import InvalidSetting
from sessioncore.sso import CASCADE, DECISIONS, LOGOUT_REQUESTS, SILENT_RESULTS, Cell, Fate, Layer
from sessioncore.sso.accepting import ACCEPTING
from sessioncore.sso.diagram import (
    decision_dot,
    decision_mermaid,
    layers_dot,
    layers_mermaid,
    said,
)

PICTURES: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "decision": {"mermaid": decision_mermaid, "dot": decision_dot},
    "layers": {"mermaid": layers_mermaid, "dot": layers_dot},
}

PAGE: Final = """\
# The tables of single sign-on

Generated from `sessioncore.sso` by `make diagrams`; a test compares. Each table is the code: the rows are tried from
the top, and the first that matches wins. The clauses are those of OpenID Connect Core 1.0, RP-Initiated Logout 1.0 and
Back-Channel Logout 1.0.

## What a server answers to an authentication request: `decide`

![The decision as a flow chart](../state-diagrams/sso-decision.svg)

{decisions}

A choice of account cannot be asked for beside `prompt=none`, so the cell `account_selection_required` is nobody's; it
stands there because the specification names it.

## What an application makes of a token: `accept`

{accepting}

## What a silent authentication means to a single-page application: `on_silent_result`

Anything else, a timeout too, leaves the session as it is.

{silent}

## What a server does when asked to log out: `decide_logout`

{logout}

## What becomes of the sessions of each layer: `CASCADE` and `plan_logout`

Of an event that begins at an application, its column speaks of the other applications of the same server session; the
one where the user logs out ends its own first.

![The layers, and how ends travel between them](../state-diagrams/sso-layers.svg)

{cascade}
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page() -> str:
    """Write the page of tables."""
    return PAGE.format(
        decisions=table(
            ("#", "if", "`prompt=none` gives", "otherwise", "clause"),
            (
                (
                    str(n),
                    _said(row.condition),
                    f"`{row.silent}`",
                    f"`{row.otherwise}`",
                    row.clause,
                )
                for n, row in enumerate(DECISIONS, 1)
            ),
        ),
        accepting=table(
            ("if", "verdict", "the session at hand", "clause"),
            ((_said(row.condition), f"`{row.verdict}`", "ends" if row.ends else "", row.clause) for row in ACCEPTING),
        ),
        silent=table(
            ("result", "the session", "clause"),
            ((f"`{row.error or 'success'}`", str(row.then), row.clause) for row in SILENT_RESULTS),
        ),
        logout=table(
            ("if", "the server", "clause"),
            ((_said(row.condition), f"`{row.step}`", row.clause) for row in LOGOUT_REQUESTS),
        ),
        cascade=table(
            ("event", *(f"{layer} session" for layer in Layer), "clause"),
            ((said(row.on), *(_fate(row.at(layer)) for layer in Layer), row.clause) for row in CASCADE),
        ),
    )


def _said(condition: Callable[..., object]) -> str:
    return f"`{condition.__name__}`: {' '.join((condition.__doc__ or '').split()).rstrip('.')}"


def _fate(cell: Cell) -> str:
    stays = cell.fate is Fate.STAYS
    return cell.fate.value if stays or cell.reason is None else f"{cell.fate.value} (`{cell.reason}`)"


def drawn(of: str, form: str, lay_out: Callable[[str], str]) -> str:
    """Draw one picture, or for ``sso`` all of them one after another; an SVG holds only one.

    Raises ``InvalidSetting`` for a form that there is not.
    """
    if form == "markdown":
        return page()
    names = tuple(PICTURES) if of == "sso" else (of,)
    if form != "svg":
        return "\n".join(PICTURES[name][form]() for name in names)
    if len(names) > 1:
        raise InvalidSetting("--format", form, f"an SVG holds one picture: draw --of {' or --of '.join(names)}")
    return lay_out(PICTURES[of]["dot"]())


def pages(of: str) -> dict[str, Callable[[Callable[[str], str]], str]]:
    """Name the files that hold the pictures, and how each is made, given what lays out a graph."""
    names = tuple(PICTURES) if of == "sso" else (of,)
    made: dict[str, Callable[[Callable[[str], str]], str]] = {}
    for name in names:
        for form, ending in (("mermaid", "mmd"), ("dot", "dot"), ("svg", "svg")):
            made[f"sso-{name}.{ending}"] = partial(drawn, name, form)
    return made
