"""Find the ``SessionMiddleware`` that an application is wrapped in, wherever its framework keeps it."""

from collections.abc import Iterator
from typing import Any, Final

from sessioncore import InvalidSetting

_INSIDE: Final = ("app", "application", "wsgi_app", "asgi_app")


def middleware_of(app: Any) -> Any:
    """Find the ``SessionMiddleware`` that an application is wrapped in. Raises ``InvalidSetting``."""
    from sessioncore_io import asgi, wsgi

    seen: list[Any] = []  # the objects themselves: what is only built to be looked at must not lend its id to another
    found = [app]
    while found:
        one = found.pop(0)
        if isinstance(one, asgi.SessionMiddleware | wsgi.SessionMiddleware):
            return one
        seen.append(one)
        found += [other for other in _inside(one) if not any(other is known for known in seen)]
    raise InvalidSetting("app", type(app).__name__, "pass the application that is wrapped in the SessionMiddleware")


def _inside(one: Any) -> Iterator[Any]:
    inside = (getattr(one, name, None) for name in _INSIDE)
    yield from (other for other in inside if other is not None)
    yield from _starlettes(one)
    yield from _litestars(one)


def _starlettes(app: Any) -> Iterator[Any]:
    """Look into Starlette's and FastAPI's stack; they build it at the first request, and so does this."""
    if callable(getattr(app, "build_middleware_stack", None)):
        if app.middleware_stack is None:
            app.middleware_stack = app.build_middleware_stack()
        yield app.middleware_stack


def _litestars(app: Any) -> Iterator[Any]:
    """Make one more of each middleware: Litestar makes one for every route, and gives no way to them."""
    defined = getattr(app, "middleware", None)
    for one in defined if hasattr(app, "asgi_handler") and isinstance(defined, list) else ():
        if callable(one):
            yield one(app=app.asgi_handler)


__all__ = ["middleware_of"]
