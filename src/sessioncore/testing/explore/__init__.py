"""Run concurrent flows over one store in every order in which their effects can fall, and replay any one order.

``explore`` checks properties of every scene of every schedule; a schedule that breaks one is told as a story, with
a line such as ``leaver leaver other! leaver`` that ``replay_story`` plays again. ``scenarios`` holds the standard
ones, ``report`` runs them, and ``search`` does the same for the machine alone: every record that it can reach.
"""

from .engine import Check, Explored, explore, play
from .points import Actor, Answer, Ask, Point, perform
from .scenes import Broken, Scene
from .story import NoSuchSchedule, replay_story

__all__ = [
    "Actor",
    "Answer",
    "Ask",
    "Broken",
    "Check",
    "Explored",
    "NoSuchSchedule",
    "Point",
    "Scene",
    "explore",
    "perform",
    "play",
    "replay_story",
]
