"""Without an extra, the parts that need it say which one to install; each test runs where nothing else is installed."""

import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

CORE = ("attr", "attrs", "msgspec", "transitions", "six.py")


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that holds this package and what it cannot do without."""
    folder = tmp_path_factory.mktemp("bare")
    for name in (*CORE, "sessioncore", "sessioncore_io"):
        found = find_spec(name.removesuffix(".py"))
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        (folder / name).symlink_to(origin if name.endswith(".py") else origin.parent)
    [about] = Path(str(distribution("sessioncore").locate_file(""))).glob("sessioncore-*.dist-info")
    (folder / about.name).symlink_to(about)
    return folder


def told(bare: Path, statement: str) -> str:
    """Run a statement with nothing else installed, and give the last line of what it says."""
    command = [sys.executable, "-S", "-c", statement]
    done = subprocess.run(command, env={"PYTHONPATH": str(bare)}, cwd=bare, capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    ("part", "missing", "install"),
    [
        ("sessioncore_io.valkey", "valkey", "'sessioncore[valkey]'"),
        ("sessioncore_io.valkey.wire", "valkey", "'sessioncore[valkey]'"),
        ("sessioncore_io.postgres", "psycopg", "'sessioncore[postgres]' 'psycopg[binary]'"),
        ("sessioncore_io.oidc", "authlib", "'sessioncore[oidc]'"),
        ("sessioncore_io.telemetry", "opentelemetry", "'sessioncore[otel]'"),
        ("sessioncore.proof", "z3", "'sessioncore[proof]'"),
    ],
)
def test_a_part_without_its_extra_says_what_to_install(bare: Path, part: str, missing: str, install: str) -> None:
    expected = f"sessioncore.errors.ExtraMissing: No module named '{missing}': install the extra, pip install {install}"

    assert told(bare, f"import {part}") == expected


@pytest.mark.parametrize(("name", "missing"), [("StoreContract", "pytest"), ("sessions", "hypothesis")])
def test_what_tests_need_is_asked_for_when_it_is_used(bare: Path, name: str, missing: str) -> None:
    expected = f"ExtraMissing: No module named '{missing}': install the extra, pip install 'sessioncore[testing]'"

    assert told(bare, f"from sessioncore.testing import {name}") == f"sessioncore.errors.{expected}"


def test_all_else_needs_no_extra(bare: Path) -> None:
    parts = "asgi, wsgi, sqlite, memory, split, cli"

    assert told(bare, f"from sessioncore_io import {parts}; import sessioncore.sso; print('imported')") == "imported"


@pytest.mark.parametrize(("arguments", "extra"), [(["prove"], "proof"), (["store", "check"], "valkey")])
def test_the_command_asks_for_the_extra_that_it_lacks(bare: Path, arguments: list[str], extra: str) -> None:
    statement = f"from sessioncore_io.cli import main; assert main({arguments!r}) == 2"
    said = told(bare, f"import os; os.environ['SESSIONCORE_STORE'] = 'valkey://localhost:1/0'; {statement}")

    assert said.startswith("sessioncore: No module named ")
    assert said.endswith(f": install the extra, pip install 'sessioncore[{extra}]'")


def test_a_driver_that_cannot_reach_its_own_library_is_no_other_case(bare: Path) -> None:
    """The extra leaves it to the application how psycopg finds libpq."""
    failing = "import sys; sys.path.insert(0, 'broken'); import sessioncore_io.postgres"
    (bare / "broken" / "psycopg").mkdir(parents=True)
    (bare / "broken" / "psycopg" / "__init__.py").write_text("raise ImportError('no pq wrapper available.\\nAttempts')")

    assert told(bare, failing) == (
        "sessioncore.errors.ExtraMissing: no pq wrapper available.: "
        "install the extra, pip install 'sessioncore[postgres]' 'psycopg[binary]'"
    )


def test_a_module_of_our_own_that_is_missing_is_no_missing_extra(bare: Path) -> None:
    statement = "with Extra('valkey'):\n from sessioncore_io import sqlight"

    assert "ExtraMissing" not in told(bare, f"from sessioncore.extras import Extra\n{statement}")
