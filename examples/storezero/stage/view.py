"""What one browser may see of the stage: its own session, and those that its messages led to."""

from collections.abc import Sequence

from attrs import evolve, frozen
from starlette.requests import Request

from .hops import Hop
from .layer import Layer, Stage
from .panel import Panel, look
from .visitors import Visitor


@frozen(kw_only=True)
class View:
    """Hold the panels of all layers, the newest messages, and the layers whose clocks can be moved."""

    panels: Sequence[Panel]
    hops: Sequence[Hop]
    layers: Sequence[Layer]
    page: str = ""
    wide: bool = False

    @property
    def own(self) -> Panel:
        """Give the panel of the layer that this page belongs to; the application's, if it belongs to none."""
        return next((panel for panel in self.panels if panel.here), self.panels[0])


def stage_of(request: Request) -> Stage:
    """Give the stage that all parts stand on."""
    stage: Stage = request.app.state.stage
    return stage


def view_of(request: Request, *, wide: bool = False) -> View:
    """Look at the layers for whoever asks.

    Their own session is proved by its cookie, the others by what this page's browser did before: ``page`` is a name
    that its script drew and nobody else knows. Of a ``sid`` that is only said, nothing but an end is told.
    """
    stage, layer = stage_of(request), request.app.state.layer
    visitor = _visitor(stage, request, layer)
    panels = [_panel(one, request, visitor, one is layer) for one in stage.layers.values()]
    shown = [one for one in panels if one.here or one.layer.part != "reviews" or one.state]
    layers = [one for one in stage.layers.values() if one.part != "reviews"]
    return View(
        panels=shown,
        hops=list(visitor.hops) if visitor else [],
        layers=layers,
        page=visitor.page if visitor else "",
        wide=wide,
    )


def _visitor(stage: Stage, request: Request, layer: Layer | None) -> Visitor | None:
    page, session = request.query_params.get("page", ""), request.scope.get("session")
    keys = [f"page:{page}"] if len(page) >= 32 else []
    if layer is not None and session is not None and session.sid:
        keys.append(f"{layer.part}:{session.sid}")
    return stage.trace.visitors.meet(keys) if keys else None


def _panel(layer: Layer, request: Request, visitor: Visitor | None, here: bool) -> Panel:
    known = visitor.sids.get(layer.part) if visitor else None
    if not here:
        return look(layer, known, own=True)
    own = request.scope["session"].sid
    said = request.query_params.get("sid") or request.query_params.get("was")
    return evolve(look(layer, own or said or known, own=own is not None), here=True)
