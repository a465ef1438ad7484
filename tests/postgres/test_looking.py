"""What a look at a PostgreSQL server warns of, at the very bound: for servers that no test can start."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import psycopg
import pytest
from attrs import asdict

from sessioncore_io.operating import Finding
from sessioncore_io.postgres import operating
from sessioncore_io.postgres.schema import SCHEMA_VERSION


class Answering:
    """Be a connection to a server that gives these answers."""

    def __init__(self, version: int = 170_002, **answers: Any) -> None:
        self.info = SimpleNamespace(server_version=version)
        self._answers = answers

    def execute(self, question: bytes) -> Any:
        """Answer the question that holds one of the words."""
        [answer] = [answer for word, answer in self._answers.items() if word in question.decode()]
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(fetchone=lambda: (answer,))


def version_of(number: int) -> Finding:
    """Look at the version."""
    connection: Any = Answering(number)
    return operating._version(connection)


def test_a_version_is_written_as_people_write_it_and_may_be_too_old() -> None:
    advice = "PostgreSQL 14 or newer is what this store is written for: upgrade"

    assert version_of(140_000) == Finding(what="version", value="PostgreSQL 14.0")
    assert version_of(170_002) == Finding(what="version", value="PostgreSQL 17.2")
    assert version_of(139_999) == Finding(what="version", value="PostgreSQL 13.9999", advice=advice)


def test_a_replica_is_warned_of() -> None:
    primary, replica = (
        operating._role(Answering(pg_is_in_recovery=answer))  # type: ignore[arg-type]
        for answer in (False, True)
    )

    assert primary == Finding(what="role", value="primary")
    assert replica == Finding(
        what="role", value="replica", advice="let the address lead to the primary: nothing works here"
    )


GOOD: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "default_transaction_read_only": "off",
    "autovacuum": "on",
}


def settings(**other: str) -> list[Finding]:
    """Look at the settings."""
    answers: dict[str, Any] = GOOD | other
    connection: Any = Answering(**answers)
    return list(operating._settings(connection))


def test_settings_that_keep_what_is_promised_are_content() -> None:
    assert settings() == [Finding(what=name, value=value) for name, value in GOOD.items()]
    assert settings(synchronous_commit="remote_apply")[2].advice == ""


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("fsync", "off", "a crash of the machine may lose ends, or the whole database: turn it on"),
        ("full_page_writes", "off", "a crash of the machine may spoil pages: turn it on"),
        (
            "synchronous_commit",
            "local",
            "it is not 'on': see docs/stores/postgres.md for what an acknowledged logout is then worth",
        ),
        ("default_transaction_read_only", "on", "nothing can be written: nobody can log in or out"),
        ("autovacuum", "off", "old versions of rows are never removed: turn it on"),
    ],
)
def test_a_setting_that_weakens_a_promise_says_what_it_costs(name: str, value: str, advice: str) -> None:
    warned = [finding for finding in settings(**{name: value}) if finding.advice]

    assert warned == [Finding(what=name, value=value, advice=advice)]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (SCHEMA_VERSION, {"value": "1", "advice": ""}),
        (2, {"value": "2", "advice": "this release's is 1: run `sessioncore store init`"}),
        (0, {"value": "0", "advice": "this release's is 1: run `sessioncore store init`"}),
        (psycopg.errors.UndefinedTable(), {"value": "missing", "advice": "run `sessioncore store init`"}),
        (psycopg.errors.InvalidSchemaName(), {"value": "missing", "advice": "run `sessioncore store init`"}),
    ],
)
def test_tables_of_another_version_or_none_are_warned_of(answer: Any, finding: dict[str, str]) -> None:
    [found] = operating._tables(Answering(schema_version=answer))  # type: ignore[arg-type]

    assert asdict(found) == {"what": "schema", **finding}


@pytest.mark.parametrize(
    ("milliseconds", "advice"),
    [(4.99, ""), (5.0, "each request waits so long: bring application and database together")],
)
def test_a_slow_server_is_warned_of_by_its_median(
    monkeypatch: pytest.MonkeyPatch, milliseconds: float, advice: str
) -> None:
    """Of twenty looks, nine may be slow for reasons of their own."""
    takes = [milliseconds / 1_000] * 11 + [60.0] * 9

    def readings() -> Iterator[float]:
        for took in takes:
            yield 0.0
            yield took

    monkeypatch.setattr(operating, "perf_counter", readings().__next__)
    found = operating._pace(Answering(SELECT=1))  # type: ignore[arg-type]

    assert found == Finding(what="latency", value=f"{milliseconds:.2f} ms", advice=advice)
