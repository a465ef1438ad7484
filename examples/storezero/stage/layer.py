"""One layer of the story: its sessions, its clock, its cookie."""

from attrs import define, field, frozen

from sessioncore_io import AsyncSessions

from ..common.sites import Sites
from .journal import Journal
from .time_machine import TimeMachine
from .trace import Trace


@frozen(kw_only=True)
class Layer:
    """Hold what the stage shows of one layer; ``part`` names it in addresses, ``title`` for people."""

    part: str
    title: str
    short: str
    role: str
    cookie: str
    sessions: AsyncSessions
    clock: TimeMachine
    journal: Journal

    @property
    def clock_of(self) -> str:
        """Name the layer whose clock this is: both applications go by one."""
        return "shop" if self.part == "reviews" else self.part


@define(eq=False)
class Stage:
    """Hold all layers side by side, and what they say to each other."""

    sites: Sites
    trace: Trace = field(factory=Trace)
    layers: dict[str, Layer] = field(factory=dict)

    def add(self, layer: Layer) -> Layer:
        """Put a layer onto the stage."""
        self.layers[layer.part] = layer
        return layer

    async def sweep(self) -> None:
        """End what is over, in every layer."""
        for layer in self.layers.values():
            await layer.sessions.sweep()
