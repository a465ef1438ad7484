"""Which files are mutated, and which tests make up a layer, the cheapest first."""

from pathlib import Path
from typing import Final

from attrs import frozen

CORE, STORES, ADAPTERS = "core", "stores", "adapters"
GROUPS: Final = (CORE, STORES, ADAPTERS)

# The table, its guards and its acts have mutants of their own, which the proof kills: see ``mutants``.
_PROVED: Final = ("table.py", "guards.py")
# A file, or a folder; a new store is one more name here.
_STORES: Final = (
    *("codec", "durability", "operating", "settings", "ears"),
    *("memory", "sqlite", "valkey", "postgres", "split"),
)


@frozen
class Source:
    """Hold one file that is mutated."""

    group: str
    path: Path
    root: Path

    @property
    def module(self) -> str:
        """Give its name when it is imported."""
        return ".".join(self.path.relative_to(self.root).with_suffix("").parts)

    def has(self, name: str) -> bool:
        """Tell whether the mutant of this name is one of this file."""
        return name.startswith((f"{self.module}:", f"{self.module}."))


def sources(top: Path) -> list[Source]:
    """Give all files that are mutated, the core's flows first."""
    core, io = top / "src", top / "adapters"
    flows = sorted((core / "sessioncore/flows").glob("*.py"))
    pure = sorted(path for path in (core / "sessioncore").glob("*.py") if path.name not in _PROVED)
    sso = sorted((core / "sessioncore/sso").glob("*.py"))
    adapters = sorted((io / "sessioncore_io").rglob("*.py"))
    return [
        *(Source(CORE, path, core) for path in [*flows, *pure, *sso]),
        *(Source(STORES, path, io) for path in adapters if _is_of_a_store(path)),
        *(Source(ADAPTERS, path, io) for path in adapters if not _is_of_a_store(path)),
    ]


def _is_of_a_store(path: Path) -> bool:
    """Tell by the file's name, or by that of the folder it is in."""
    return path.stem in _STORES or path.parent.name in _STORES


LAYERS: Final = {
    "machine": ("tests/core/",),
    "flows": ("tests/flows/test_drivers", "tests/flows/test_failing", "tests/flows/test_glance", "tests/flows/test_op"),
    "interleavings": ("tests/flows/",),
    "proof": ("tests/proof/",),
    "stores": ("tests/stores/",),
    "web": ("tests/web/", "tests/console/", "tests/frameworks/"),
    "property suite": ("tests/property/",),
    "contracts": ("tests/product/",),
    "signing on": ("tests/oidc/", "tests/sso/"),
    "valkey": ("tests/valkey/",),
    "postgres": ("tests/postgres/",),
}
# Each mutant starts the servers that these tests need: what such a fixture takes, in seconds.
DEAR: Final = {"server": 0.3, "valkey_server": 0.1, "redis_server": 0.1, "cluster": 2.0, "primary": 1.0}
# Their servers are processes of others, which need no mutant.
SERVED: Final = ("valkey", "postgres")

# They plant bugs of their own, or serve from another process, which does not have the mutant.
_KILL_NOBODY: Final = (
    *(
        "planted",
        "broken",
        "processes_that_race",
        "test_servers",
        "uvicorn",
        "waitress",
        "test_command",
        "test_docs",
        "plugin",
    ),
    *("test_exports", "test_guide", "workers", "test_fork", "_a_bug_", "_a_wrong_cell_"),
)
_PLANT_NOTHING: Final = "where_nothing_is"  # broken, or planted: beside those that do, to see that what is right passes


def layer_of(test: str) -> str:
    """Give the layer that a test belongs to, or nothing if it kills nobody."""
    if _PLANT_NOTHING not in test and any(word in test for word in _KILL_NOBODY):
        return ""
    return next((name for name, starts in LAYERS.items() if test.startswith(starts)), "")
