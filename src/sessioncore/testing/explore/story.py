"""Play one schedule again: the words of ``Broken.schedule``, each an actor's name and a mark for what befalls it."""

from sessioncore import SessionError

from ..model import ModelStore
from .engine import Check, hold
from .points import Actor
from .scenes import Scene, Step, beginning, move
from .words import Turn


class NoSuchSchedule(SessionError):
    """A schedule names an actor that is not there, or one that has nothing left to do."""


def replay_story(store: ModelStore, actors: tuple[Actor, ...], schedule: str, *checks: Check) -> str:
    """Play a schedule and tell it, one line a move. Raises ``Broken`` as ``explore`` did, and ``NoSuchSchedule``.

    A word is an actor's name; ``name!`` crashes it, ``name-`` and ``name+`` let the store fail before and after it
    did what it was asked.
    """
    words = schedule.split()
    scene = beginning(store, actors, faults=len(words))
    story: tuple[Step, ...] = ()
    hold(scene, checks, story)
    for position, word in enumerate(words):
        step, scene = move(scene, *_read(scene, word, position))
        story = (*story, step)
        hold(scene, checks, story)
    return "\n".join(map(str, story))


def _read(scene: Scene, word: str, position: int) -> tuple[int, Turn]:
    turn = next((turn for turn in Turn if turn and word.endswith(turn)), Turn.ANSWERED)
    name = word.removesuffix(turn)
    for index, point in enumerate(scene.points):
        if point.actor.name == name:
            if point.done or index in scene.gone:
                raise NoSuchSchedule(f"word {position + 1}: {name} is done or gone; shorten the schedule")
            return index, turn
    names = ", ".join(point.actor.name for point in scene.points)
    raise NoSuchSchedule(f"word {position + 1}: nobody is called {name!r}; the actors are {names}")
