"""Applications whose sessions are on a server: ours, and those of other libraries as their documentation shows."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from litestar.stores.redis import RedisStore as LitestarStore
from redis import Redis  # type: ignore[import-not-found,unused-ignore]
from redis.asyncio import Redis as AsyncRedis  # type: ignore[import-not-found,unused-ignore]
from starsessions.stores.redis import RedisStore  # type: ignore[import-not-found,unused-ignore]

from sessioncore import AsyncStore, Store
from sessioncore_io.postgres import AsyncPostgresStore, PostgresStore
from sessioncore_io.split import AsyncSplitStore, SplitStore
from sessioncore_io.valkey import AsyncValkeyStore, ValkeyStore

from .asgi_peers import litestar_apps, starsessions_app
from .contenders import OURS, Contender, asgi, bare_asgi, bare_wsgi, wsgi
from .crowd import cookies, rows
from .drive import asgi_run, wsgi_run
from .networked_crowd import into_valkey
from .ours import asgi_app, asgi_reader, wsgi_app, wsgi_reader
from .places import Places
from .rounds import Clock
from .wsgi_peers import configure_django, django_apps, flask_app, flask_session_app

# More than a process remembers of Valkey's sessions, so that each is as if it had never been seen.
STRANGERS: Final = 5_000


# An application that reads a value of the session's data, as the peers' do; the others ask who is signed in.
READING: Final = "reading data"


def plain(keeps: str, store: Store, clock: Clock) -> Contender:
    """Enter one of our stores that block."""
    return wsgi(OURS, keeps, wsgi_app(store), clock=clock)


def awaited(keeps: str, store: Store | AsyncStore, clock: Clock) -> Contender:
    """Enter one of our stores that are awaited."""
    return asgi(OURS, keeps, asgi_app(store), clock=clock)


def _ours(server: str, awaits: AsyncStore, blocks: Store, clock: Clock) -> list[Contender]:
    return [
        awaited(server, awaits, clock),
        asgi(OURS, f"{server}, {READING}", asgi_app(awaits, asgi_reader), clock=clock),
        plain(server, blocks, clock),
        wsgi(OURS, f"{server}, {READING}", wsgi_app(blocks, wsgi_reader), clock=clock),
    ]


def contenders(places: Places, clock: Clock) -> list[Contender]:
    """Enter everybody in both worlds."""
    return [
        *_ours("Valkey", AsyncValkeyStore(places.valkey), ValkeyStore(places.valkey), clock),
        *_strangers(places, clock),
        *_ours("PostgreSQL", AsyncPostgresStore(places.postgres), PostgresStore(places.postgres), clock),
        *_peers(places, clock),
    ]


def split(places: Places, clock: Clock) -> list[Contender]:
    """Enter sessions in Valkey with their epochs in PostgreSQL."""
    keeps = "Valkey, epochs in PostgreSQL"
    both = AsyncSplitStore(sessions=AsyncValkeyStore(places.valkey), epochs=AsyncPostgresStore(places.postgres))
    return [
        awaited(keeps, both, clock),
        plain(keeps, SplitStore(sessions=ValkeyStore(places.valkey), epochs=PostgresStore(places.postgres)), clock),
    ]


def cluster(url: str, clock: Clock) -> list[Contender]:
    """Enter a cluster."""
    keeps = "Valkey Cluster"
    return [awaited(keeps, AsyncValkeyStore(url), clock), plain(keeps, ValkeyStore(url), clock)]


def _strangers(places: Places, clock: Clock) -> list[Contender]:
    """Enter requests of so many browsers that the process has forgotten each when it comes again."""
    store, keeps = ValkeyStore(places.valkey), "Valkey, session not seen lately"
    into_valkey(store, places.valkey_server, rows(STRANGERS, 0))
    browsers = cookies(STRANGERS, STRANGERS)
    asgi_pair = asgi_app(AsyncValkeyStore(places.valkey), _asgi_theme), bare_asgi
    wsgi_pair = wsgi_app(store, _wsgi_theme), bare_wsgi
    return [
        Contender("ASGI", OURS, keeps, *(asgi_run(app, browsers, clock) for app in asgi_pair)),
        Contender("WSGI", OURS, keeps, *(wsgi_run(app, browsers, clock) for app in wsgi_pair)),
    ]


async def _asgi_theme(scope: Any, receive: Any, send: Any) -> None:
    assert scope["session"]["theme"] == "dark"
    await bare_asgi(scope, receive, send)


def _wsgi_theme(environ: Any, start_response: Any) -> list[bytes]:
    assert environ["sessioncore.session"]["theme"] == "dark"
    return bare_wsgi(environ, start_response)


def _peers(places: Places, clock: Clock) -> Iterator[Contender]:
    host, port = places.valkey_address
    connect = partial(AsyncRedis, host=host, port=port)
    yield asgi("starsessions", "Valkey", starsessions_app(RedisStore(connection=connect())), clock=clock)
    yield asgi("Litestar", "Valkey", *litestar_apps(sessions=LitestarStore(connect())), clock=clock)
    flasks = flask_session_app(SESSION_TYPE="redis", SESSION_REDIS=Redis(host, port)), flask_app(sessions=False)
    yield wsgi("Flask-Session", "Valkey", *flasks, clock=clock)
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": places.redis}
    configure_django(places.django, cache)
    yield wsgi("Django", "Valkey, as a cache", *django_apps("cache"), clock=clock)
    yield wsgi("Django", "PostgreSQL", *django_apps("db"), clock=clock)
