"""The state diagram, drawn from TABLE: an arrow that the table lacks is not in the picture either.

Only the places of the six states are set by hand. Live states stand on the left, ends on the right.
"""

from typing import Final

from attrs import frozen

from sessioncore import TABLE, State
from sessioncore.records import ENDS, LIVE

WIDTH, HEIGHT = 122, 36
LEFT, RIGHT = 86, 272  # the middles of the two columns
TOP, STEP = 44, 64
LIVE_AT: Final = {state: (LEFT, TOP + STEP * row) for row, state in enumerate(LIVE)}
ENDS_AT: Final = {state: (RIGHT, TOP + STEP * row) for row, state in enumerate(ENDS)}
PLACES: Final = LIVE_AT | ENDS_AT

START: Final = f'<circle class="start" cx="{LEFT}" cy="10" r="4"/>'


@frozen
class Arrow:
    """Hold the rows of the table that lead from one state to another, drawn as one."""

    source: State | None
    to: State
    events: tuple[str, ...]

    @property
    def path(self) -> str:
        """Lay the arrow out."""
        x, y = PLACES[self.to]
        if self.source is None:
            return f"M{LEFT} 14V{y - HEIGHT // 2}"
        sx, sy = PLACES[self.source]
        if self.to in ENDS:
            return f"M{sx + WIDTH // 2} {sy + _spread(self.to)}L{x - WIDTH // 2} {y + _spread(self.source)}"
        if abs(sy - y) > STEP:
            return f"M{sx - WIDTH // 2} {sy}C{sx - 88} {sy + 30} {x - 88} {y - 30} {x - WIDTH // 2} {y}"
        aside, way = (-12, 1) if sy < y else (12, -1)
        return f"M{sx + aside} {sy + way * HEIGHT // 2}V{y - way * HEIGHT // 2}"


def _spread(state: State) -> int:
    """Keep arrows that meet at one side of a box apart."""
    return {PLACES[one][1]: 9 * (row - 1) for row, one in enumerate(LIVE)}[PLACES[state][1]]


def arrows() -> tuple[Arrow, ...]:
    """Merge the rows of the table that lead the same way; what stays in its state is no arrow here."""
    ways = dict.fromkeys((row.source, row.to) for row in TABLE if row.source is not row.to)
    return (Arrow(None, State.CREATED, ("begin",)), *(Arrow(*way, _events(*way)) for way in ways))


def _events(source: State, to: State) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.on.__name__ for row in TABLE if (row.source, row.to) == (source, to)))


ARROWS: Final = arrows()


def draw(lit: State | None, former: State | None, reached: State | None, name: str = "") -> str:
    """Draw the diagram with the present state lit and the arrow that led there highlighted; ``name`` tells it apart."""
    fired = (former, reached) if reached is not None and reached is lit else None
    lines = [_line(arrow, (arrow.source, arrow.to) == fired, name) for arrow in ARROWS]
    boxes = [_box(state, state is lit) for state in PLACES]
    # The fired arrow comes last: later shapes lie on top.
    shapes = "".join([_heads(name), START, *sorted(lines, key=lambda line: "fired" in line), *boxes])
    return f'<svg class="diagram" viewBox="0 4 338 190" role="img" aria-label="{_caption(lit)}">{shapes}</svg>'


def _caption(lit: State | None) -> str:
    return f"State diagram; the session is {lit.name}" if lit else "State diagram; there is no session"


def _line(arrow: Arrow, fired: bool, name: str) -> str:
    kind, head = ("arrow fired", f"head-fired{name}") if fired else ("arrow", f"head{name}")
    title = f"{arrow.source.name if arrow.source else 'nothing'} to {arrow.to.name}: {', '.join(arrow.events)}"
    return f'<path class="{kind}" d="{arrow.path}" marker-end="url(#{head})"><title>{title}</title></path>'


def _box(state: State, lit: bool) -> str:
    x, y = PLACES[state]
    kind = f"state {'live' if state.live else 'end'}{' lit' if lit else ''}"
    stays = ", ".join(dict.fromkeys(row.on.__name__ for row in TABLE if row.source is row.to is state))
    title = f"<title>{state.name} stays on {stays}</title>" if stays else f"<title>{state.name}: nothing leaves</title>"
    box = f'<rect x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" rx="{HEIGHT // 2}"/>'
    return f'<g class="{kind}" data-state="{state.name}">{title}{box}<text x="{x}" y="{y + 4}">{state.name}</text></g>'


def _head(id: str, kind: str) -> str:
    tip = f'<path class="{kind}" d="M0 0L8 4L0 8Z"/>'
    size = 'markerWidth="7" markerHeight="7" refX="7" refY="4" viewBox="0 0 8 8"'
    return f'<marker id="{id}" {size} orient="auto" markerUnits="userSpaceOnUse">{tip}</marker>'


def _heads(name: str) -> str:
    # A page may hold several pictures, and an id is good once.
    return f"<defs>{_head(f'head{name}', 'tip')}{_head(f'head-fired{name}', 'tip fired-tip')}</defs>"
