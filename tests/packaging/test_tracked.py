"""What the repository holds is the project's own: what others made is fetched, and never kept."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an unpacked archive has no history to ask")
def test_nothing_is_tracked_that_is_to_be_ignored() -> None:
    assert _git("ls-files", "--cached", "--ignored", "--exclude-standard") == []
