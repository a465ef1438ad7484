"""The command ``sessioncore``: draw the table, prove it, explore what runs around it, and operate a store."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sessioncore import InvalidSetting, SessionError, State

from .console.command import add_store, sids_last
from .drawing import FORMATS, OF, diagram


def prove(options: Namespace) -> int:
    """Prove the tables and say so, one line an obligation; return 1 if something is refuted."""
    from sessioncore import proof

    results = [*proof.prove(proof.SESSIONS), *map(proof.answered, proof.decisions())]
    for line in proof.told(results):
        if not (options.quiet and line.startswith(proof.PROVED)):
            print(line)
    return 0 if all(result.proved for result in results) else 1


def explore(options: Namespace) -> int:
    """Run the standard scenarios in every order, or replay one; return 1 if something is broken."""
    from sessioncore.testing.explore import Broken, report

    if options.replay is None:
        return 0 if report.report(options.only, quick=options.quick, say=_say) else 1
    scenarios = report.chosen(options.only)
    if len(scenarios) != 1:
        raise InvalidSetting("--only", options.only, "to replay a schedule, name one scenario")
    try:
        print(scenarios[0].replay(options.replay))
    except Broken as broken:
        print(broken)
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _state(name: str) -> State:
    try:
        return State(name.lower())
    except ValueError:
        raise ArgumentTypeError(f"{name!r} is no state of a session; use one of {', '.join(State)}") from None


def parser() -> ArgumentParser:
    """Describe the command line."""
    root = ArgumentParser(prog="sessioncore", description="Login sessions as a state machine: tools.")
    root.add_argument("--version", action="version", version=f"sessioncore {version('sessioncore')}")
    commands = root.add_subparsers(required=True, metavar="command")
    draw = commands.add_parser("diagram", help="draw the table of transitions, or those of single sign-on")
    draw.add_argument(
        "--of",
        choices=OF,
        default="session",
        help="the session's states (default), or of single sign-on the decision, the layers, or both (sso)",
    )
    draw.add_argument("--format", choices=FORMATS, default="mermaid", help="what to draw (default: mermaid)")
    draw.add_argument("--light", type=_state, metavar="STATE", help=f"light one state: {', '.join(State)}")
    target = draw.add_mutually_exclusive_group()
    target.add_argument("--output", type=Path, metavar="FILE", help="where to draw (default: standard output)")
    target.add_argument(
        "--write", type=Path, metavar="DIR", help="draw every form, and a page about the table, into DIR"
    )
    draw.set_defaults(run=diagram)
    prover = commands.add_parser("prove", help="prove the table of transitions (extra: proof)")
    prover.add_argument("--quiet", action="store_true", help="say only what is refuted, and the summary")
    prover.set_defaults(run=prove)
    explorer = commands.add_parser("explore", help="run concurrent requests in every order, and search the machine")
    explorer.add_argument("--quick", action="store_true", help="a short run: what races most, and shallow")
    explorer.add_argument(
        "--only", default="", metavar="NAME", help="the scenario of this name, or those that contain it"
    )
    explorer.add_argument(
        "--replay", metavar="SCHEDULE", help="tell one schedule of one scenario, as a failure prints it"
    )
    explorer.set_defaults(run=explore)
    add_store(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return how it went.

    0 is success, 1 that a proof or a property failed or that there is advice, 2 that it could not be done, with a
    message on standard error.
    """
    options = parser().parse_args(sids_last(sys.argv[1:] if argv is None else argv))
    try:
        return int(options.run(options) or 0)
    except (SessionError, OSError) as error:
        print(f"sessioncore: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
