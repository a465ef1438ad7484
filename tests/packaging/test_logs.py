"""A test that leaves logging changed fails by its name, and no other does."""

import pytest

pytest_plugins = ["pytester"]

LEAKS = {
    "level": "logging.getLogger('sessioncore').setLevel(logging.DEBUG)",
    "root level": "logging.getLogger().setLevel(logging.DEBUG)",
    "handlers": "logging.getLogger('sessioncore').addHandler(logging.NullHandler())",
    "root handlers": "logging.getLogger().addHandler(logging.NullHandler())",
    "filters": "logging.getLogger('sessioncore').addFilter(bool)",
    "propagate": "logging.getLogger('sessioncore').propagate = False",
    "disabled": "logging.getLogger('sessioncore').disabled = True",
}


@pytest.mark.parametrize("what", LEAKS)
def test_a_test_that_leaves_logging_changed_fails_by_name(pytester: pytest.Pytester, what: str) -> None:
    pytester.makepyfile(f"""
        import logging

        def test_leaks():
            {LEAKS[what]}

        def test_does_not():
            assert logging.getLogger("sessioncore").isEnabledFor(logging.WARNING)
            assert not logging.getLogger("sessioncore").isEnabledFor(logging.DEBUG)
    """)
    ran = pytester.runpytest_inprocess("-p", "tests.logs", "-p", "no:xdist")

    ran.assert_outcomes(passed=2, errors=1)
    ran.stdout.fnmatch_lines([f"test_leaks leaves logging changed; *: {what.removeprefix('root ')} was *, is *"])


def test_a_test_that_sets_it_back_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import logging

        def test_listens(caplog):
            caplog.set_level(logging.DEBUG, "sessioncore")
            logging.getLogger("sessioncore").debug("heard")

            assert caplog.messages == ["heard"]
    """)

    pytester.runpytest_inprocess("-p", "tests.logs", "-p", "no:xdist").assert_outcomes(passed=1)


def test_every_test_of_this_suite_is_watched(request: pytest.FixtureRequest) -> None:
    hooks = request.config.pluginmanager.subset_hook_caller("pytest_runtest_teardown", [])

    assert "tests.logs" in {found.function.__module__ for found in hooks.get_hookimpls()}
