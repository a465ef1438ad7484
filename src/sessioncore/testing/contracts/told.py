"""Tell what was done to an application until a promise broke: ``assert 'alice' is None`` alone says too little."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from .driving import Application, Visitor

T = TypeVar("T")


class Story:
    """Hold what was done, a line each; what was done meanwhile stands below it, indented."""

    def __init__(self) -> None:
        self.lines = ["what was done:"]
        self.browsers = 0
        self._depth = 1

    def tell(self, what: str, call: Callable[[], T]) -> T:
        """Do it, and tell it with its answer."""
        at, indented = len(self.lines), "  " * self._depth + what
        self.lines.append(indented)
        self._depth += 1
        try:
            answer = call()
        finally:
            self._depth -= 1
        self.lines[at] = f"{indented} -> {answer!r}"
        return answer

    def note(self, what: str) -> None:
        """Tell what has no answer."""
        self.lines.append("  " * self._depth + what)


class ToldVisitor:
    """Tell what a visitor does."""

    def __init__(self, visitor: Visitor, story: Story) -> None:
        story.browsers += 1
        self._visitor, self._story, self._name = visitor, story, f"browser {story.browsers}"

    def act(self, **during: Any) -> str | None:
        """Ask for a page."""
        return self._story.tell(f"{self._name} acts", lambda: self._visitor.act(**during))

    def log_in(self, user: str, password: str, **during: Any) -> bool:
        """Send the login form."""
        what = f"{self._name} logs in as {user} by {password!r}"
        return self._story.tell(what, lambda: self._visitor.log_in(user, password, **during))

    def log_out(self) -> bool:
        """Ask to be logged out."""
        return self._story.tell(f"{self._name} logs out", self._visitor.log_out)

    def change_password(self, old: str, new: str) -> bool:
        """Send the form that changes one's password."""
        what = f"{self._name} changes the password from {old!r} to {new!r}"
        return self._story.tell(what, lambda: self._visitor.change_password(old, new))

    def copy(self) -> "ToldVisitor":
        """Give another browser with the same cookies."""
        other = ToldVisitor(self._visitor.copy(), self._story)
        self._story.note(f"{other._name} gets the cookies of {self._name}")
        return other


class ToldApplication:
    """Tell what happens to an application."""

    def __init__(self, application: Application, story: Story) -> None:
        self._application, self._story = application, story
        self.idle, self.lifetime, self.slack = application.idle, application.lifetime, application.slack

    def visitor(self) -> ToldVisitor:
        """Give a browser that was never here."""
        return ToldVisitor(self._application.visitor(), self._story)

    def reset_password(self, user: str, new: str) -> None:
        """Give a user who forgot the password a new one."""
        self._story.note(f"{user}'s password is reset to {new!r}")
        self._application.reset_password(user, new)

    def advance(self, span: timedelta) -> None:
        """Turn the clock."""
        back = span < timedelta(0)
        self._story.note(f"the clock goes back by {-span}" if back else f"{span} pass")
        self._application.advance(span)


def told(promises: type[T]) -> type[T]:
    """Let each test of a class say, when it fails, what was done until then."""
    for name, test in list(vars(promises).items()):
        if name.startswith("test_"):
            setattr(promises, name, _telling(test))
    return promises


def _telling(test: Callable[[Any, Application], None]) -> Callable[[Any, Application], None]:
    @wraps(test)
    def telling(self: Any, application: Application) -> None:
        __tracebackhide__ = True
        story = Story()
        heard: Any = ToldApplication(application, story)
        try:
            test(self, heard)
        except Exception as broken:
            broken.add_note("\n".join(story.lines))
            raise

    return telling
