"""The drawings of the four flows are those of today's code: the same clicks give the same messages."""

import pytest
from playwright.sync_api import Browser

from .draw_flows import DOCS, FLOWS, documents


@pytest.fixture(scope="module")
def drawn(chromium: Browser) -> dict[str, str]:
    """Go through all flows."""
    return dict(documents(chromium))


@pytest.mark.parametrize("name", ["README.md", *(f"{flow.name}.svg" for flow in FLOWS)])
def test_a_flow_is_documented_as_it_is_executed(drawn: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text() == drawn[name], "the flow has changed: look at it, then run make diagrams"


def test_no_secret_is_in_a_drawing(drawn: dict[str, str]) -> None:
    for text in drawn.values():
        assert "eyJ" not in text, "every token begins so"
        assert "…" not in text, "and every value that was cut ends so"
