"""Read the command line of ``sessioncore store``, open the store, and run the verb."""

import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any, Final

from sessioncore import InvalidSetting, SessionError
from sessioncore.events import SINGLE_ENDS
from sessioncore.flows.tokens import SID_LENGTH
from sessioncore.records import LOGGING_OUT
from sessioncore_io.shell import TOMBSTONE, Sessions

from . import verbs
from .urls import EPOCHS, FORMS, STORE, Address, address_from, open_parts, whole, without_secrets

Verb = Callable[[verbs.Work], int]

_HYPHENED: Final = re.compile(rf"-[A-Za-z0-9_-]{{{SID_LENGTH - 1}}}").fullmatch

ABOUT: Final = f"""\
The store is named by --store, or by the variable {STORE}, which no list of processes shows:
{FORMS}.
Exit status: 0 done; 1 there is advice, or the session to end had ended or is not there; 2 it could not be done."""


def add_store(commands: Any) -> None:
    """Describe ``sessioncore store`` and its verbs."""
    from argparse import RawDescriptionHelpFormatter

    store = commands.add_parser(
        "store",
        help="operate a store: make it, look it over, list and end sessions, clean up",
        description=ABOUT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    found = store.add_subparsers(required=True, metavar="verb")
    _verb(found, verbs.init, "init", "make the tables or files, or bring them to this release's version", make=True)
    _verb(found, verbs.check, "check", "look at connection, version, settings and latency; 1 if there is advice")
    _verb(found, verbs.stats, "stats", "count the sessions by state, and the bytes they take")
    listing = _verb(found, verbs.listing, "list", "list the live sessions of a subject")
    listing.add_argument("subject", help="the account, as the application names it")
    listing.add_argument("--ended", action="store_true", help="also those that ended and are not forgotten yet")
    end = _final(_verb(found, verbs.end, "end", "end one session"))
    end.add_argument("sid", help="the session's selector, as listed and logged")
    end_all = _final(_verb(found, verbs.end_all, "end-all", "end all sessions of a subject, however many"))
    end_all.add_argument("subject", help="the account, as the application names it")
    for one, reasons in ((end, SINGLE_ENDS), (end_all, LOGGING_OUT)):
        one.add_argument(
            "--reason", choices=[reason.value for reason in reasons], default="admin", help="default: %(default)s"
        )
    reset = _final(_verb(found, verbs.reset, "reset", "end all sessions of a subject, as a password reset does"))
    reset.add_argument("subject", help="the account, as the application names it")
    _verb(found, verbs.sweep, "sweep", "end the sessions whose time has come, so that their ends are told")
    purge = _final(_verb(found, verbs.purge, "purge", "forget the sessions that ended long ago"))
    purge.add_argument(
        "--keep", type=_days, default=float(TOMBSTONE.days), metavar="DAYS", help="how long (default: %(default)g)"
    )


def sids_last(arguments: Sequence[str]) -> list[str]:
    """Move selectors that begin with a hyphen, as one in 64 does, to where they are not taken for options."""
    hyphened = [one for one in arguments if _HYPHENED(one)]
    if not hyphened or "--" in arguments:
        return list(arguments)
    return [*(one for one in arguments if not _HYPHENED(one)), "--", *hyphened]


def _verb(found: Any, verb: Verb, name: str, help_: str, *, make: bool = False) -> ArgumentParser:
    parser: ArgumentParser = found.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    parser.add_argument("--store", metavar="URL", help=f"the store (default: ${STORE})")
    parser.add_argument("--epochs", metavar="URL", help=f"where a split store keeps its epochs (default: ${EPOCHS})")
    parser.add_argument("--json", action="store_true", help="write the result for programs")
    parser.add_argument("--log", action="store_true", help="write notices to standard error, as lines of JSON")
    parser.set_defaults(run=lambda options: _run(options, verb, make))
    return parser


def _final(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1
    if not 0 <= days <= 36_500:
        raise ArgumentTypeError(f"{text!r}: write a number of days, 0 to 36500")
    return days


def _run(options: Namespace, verb: Verb, make: bool) -> int:
    store, epochs = address_from(options.store, STORE), address_from(options.epochs, EPOCHS)
    if store is None:
        raise InvalidSetting("store", None, f"name the store by --store URL or ${STORE}; write one of\n{FORMS}")
    try:
        with ExitStack() as stack:
            if options.log:
                stack.enter_context(verbs.notices_written())
            parts = open_parts(store, epochs, make=make)
            for part in parts.values():
                stack.enter_context(closing(part))
            return verb(verbs.Work(options, parts, Sessions(whole(parts), verbs.OWN_LIMITS)))
    except BrokenPipeError:  # whoever read this has seen enough, as head(1) does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SessionError, OSError) as error:
        return _could_not(error, store, epochs)


def _could_not(error: Exception, *addresses: Address | None) -> int:
    print(f"sessioncore: {without_secrets(str(error), *filter(None, addresses))}", file=sys.stderr)
    return 2
