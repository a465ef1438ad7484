"""Print where Chromium is; with ``--install``, get it first if it is nowhere.

It is looked for in ``$CHROMIUM``, on the PATH, and among the browsers that Playwright downloaded.
Beside it there may be its headless shell: the same engine without the windows and the settings of the whole browser,
which loads a page for half the processor's time. It is what Playwright itself starts where nothing is to be seen.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SHELLS: Final = ("chromium-headless-shell", "chrome-headless-shell")
FOLDER: Final = "PLAYWRIGHT_BROWSERS_PATH"
ADVICE: Final = "no Chromium found: install one and put it on the PATH, or name it by CHROMIUM=/path/to/it"

HINT: Final = "the browser tests take half as long with its headless shell: chromium-headless-shell, on the PATH"


def find() -> str | None:
    """Give the path of a Chromium; raises ``SystemExit`` if ``$CHROMIUM`` names none."""
    if named := os.environ.get("CHROMIUM"):
        if (found := shutil.which(named)) is None:
            raise SystemExit(f"CHROMIUM={named} is not a program that can be run; mend it or unset it")
        return found
    return _on_path(NAMES) or _playwrights()


def find_headless() -> str | None:
    """Give the path of a headless shell, or of a whole Chromium where there is none; raises as ``find`` does."""
    return find() if os.environ.get("CHROMIUM") else _on_path(SHELLS) or _playwrights_shell() or find()


def _on_path(names: Iterable[str]) -> str | None:
    on_path = (shutil.which(name) for name in names)
    return next((path for path in on_path if path), None)


def _playwrights() -> str | None:
    """Give the Chromium that Playwright downloaded, if it did."""
    path = _downloaded(os.environ.get(FOLDER))
    return str(path) if path.exists() else None


def _playwrights_shell() -> str | None:
    """Give the headless shell of the same number, which Playwright downloads into a folder beside its Chromium."""
    folder = _downloaded(os.environ.get(FOLDER)).parents[1]
    number = folder.name.rpartition("-")[2]
    return next((str(path) for path in folder.parent.glob(f"chromium_headless_shell-{number}/*/*headless*shell")), None)


@cache
def _downloaded(_folder: str | None) -> Path:
    """Say where Playwright keeps its Chromium, if it does; to ask it takes half a second."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def install() -> str | None:
    """Get Chromium from the system's packages when we may, else from Playwright; give its path."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
        # On its own: not every distribution has it, and everything works without.
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium-headless-shell")
    return find() or (_run(sys.executable, "-m", "playwright", "install", "chromium") and find()) or None


def _run(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print("+", *command, file=sys.stderr)
    # What it says goes to stderr: our stdout is the path and nothing else.
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0


def main(argv: Sequence[str] | None = None) -> None:
    """Print the path, or say what to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="get Chromium if there is none")
    options = parser.parse_args(argv)
    found = find()
    if found is None and options.install:
        found = install()
    if found is None:
        raise SystemExit(ADVICE)
    if find_headless() == found and not os.environ.get("CHROMIUM"):
        print(HINT, file=sys.stderr)
    print(found)


if __name__ == "__main__":
    main()
