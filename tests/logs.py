"""See that every test leaves logging as it found it: what one forgets fails another, elsewhere and another day."""

import logging
from collections.abc import Generator
from typing import Any, Final

import pytest

WATCHED: Final = ("root", "sessioncore")
Found = dict[str, dict[str, Any]]
_FOUND: Final = pytest.StashKey[Found]()


def _found() -> Found:
    """Read what is set: the handlers themselves, and in lists of our own, for theirs change."""
    return {
        name: {
            "level": log.level,
            "handlers": list(log.handlers),
            "filters": list(log.filters),
            "disabled": log.disabled,
            "propagate": log.propagate,
        }
        for name, log in ((name, logging.getLogger(name)) for name in WATCHED)
    }


def _set_back(found: Found) -> None:
    for name, values in found.items():
        log = logging.getLogger(name)
        vars(log).update(values)
        log.setLevel(log.level)  # a patch would not clear what the loggers below remember of it


# The outermost: pytest adds its own handlers after the first of these, and has removed them before the second.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Remember how logging is set."""
    item.stash[_FOUND] = _found()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test that leaves it otherwise, and set it back: those after it are not to blame."""
    result = yield
    found, left = item.stash[_FOUND], _found()
    if left != found:
        _set_back(found)
        changed = [
            f"{name}: {what} was {found[name][what]}, is {value}"
            for name, values in left.items()
            for what, value in values.items()
            if value != found[name][what]
        ]
        pytest.fail(f"{item.name} leaves logging changed; {'; '.join(changed)}", pytrace=False)
    return result
