"""What is missing where an extra is not installed is named with that extra; no other fault is taken for it."""

import pytest

from sessioncore import ExtraMissing, SessionError
from sessioncore.extras import Extra


def test_what_is_missing_is_named_with_the_extra_that_brings_it() -> None:
    missing = ModuleNotFoundError("No module named 'valkey'\nand more", name="valkey", path="/there")

    with pytest.raises(ExtraMissing) as raised, Extra("valkey", "hiredis"):
        raise missing

    assert isinstance(raised.value, ImportError | SessionError)
    assert (raised.value.extra, raised.value.name, raised.value.__cause__) == ("valkey", "valkey", missing)
    assert str(raised.value) == (
        "No module named 'valkey': install the extra, pip install 'sessioncore[valkey]' 'hiredis'"
    )


def test_an_import_that_fails_without_a_word_is_named_by_its_kind() -> None:
    with pytest.raises(ExtraMissing, match=r"^ImportError: install"), Extra("valkey"):
        raise ImportError


def test_a_package_that_is_named_like_ours_is_not_ours() -> None:
    with pytest.raises(ExtraMissing), Extra("valkey"):
        raise ImportError("No module named 'sessioncore_plugin'", name="sessioncore_plugin")


@pytest.mark.parametrize(
    "error",
    [
        ImportError("cannot import name 'x'", name="sessioncore_io.valkey.wire"),
        ImportError("cannot import name 'x'", name="sessioncore.flows"),
        ExtraMissing("postgres", ModuleNotFoundError("No module named 'psycopg'", name="psycopg")),
        ValueError("of another kind"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_thing_is_wrong_with_goes_its_way(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, Extra("valkey"):
        raise error

    assert raised.value is error


def test_what_is_installed_is_imported() -> None:
    with Extra("valkey"):
        imported = __import__("attrs")

    assert imported.__name__ == "attrs"
