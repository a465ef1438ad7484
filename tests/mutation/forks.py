"""Run jobs in forked processes, a few at a time, each with limits of its own."""

import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

MEMORY: Final = 6 * 1024**3
Tell = Callable[[int], object]
Job = Callable[[Tell], int]


@frozen
class Ended:
    """Hold how a job ended: its exit code or the signal that ended it, and the last number that it told."""

    code: int
    signal: int
    told: int


@define
class _Child:
    pipe: int
    folder: str
    done: Callable[[Ended], object]


@define
class Forks:
    """Hold the running jobs; ``start`` waits while there are ``slots`` of them."""

    slots: int
    _children: dict[int, _Child] = field(factory=dict, init=False)

    def start(self, job: Job, done: Callable[[Ended], object]) -> None:
        """Fork a process for this job, and call ``done`` when it has ended."""
        while len(self._children) >= self.slots:
            self._reap()
        folder = tempfile.mkdtemp(prefix="mutant-")
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(job, writing, folder)
        os.close(writing)
        self._children[pid] = _Child(reading, folder, done)

    def finish(self) -> None:
        """Wait for all jobs."""
        while self._children:
            self._reap()

    def _reap(self) -> None:
        # The group is ended before the child is reaped: afterwards its number could be a stranger's.
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        pid = ended.si_pid
        _end_group(pid)
        _, status = os.waitpid(pid, 0)
        child = self._children.pop(pid)
        told = os.read(child.pipe, 1 << 16)
        os.close(child.pipe)
        shutil.rmtree(child.folder, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        last = int.from_bytes(told[-4:], "big") if told else -1
        child.done(Ended(code=max(code, 0), signal=max(-code, 0), told=last))


def _become(job: Job, writing: int, folder: str) -> None:
    """Be the job, and nothing else: its group, its temporary folder, no output, and never back into the parent."""
    code = 70
    try:
        os.setsid()
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = folder
        Path(folder).chmod(0o711)  # a server of PostgreSQL in it is somebody else
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = job(lambda number: os.write(writing, number.to_bytes(4, "big")))
    finally:
        os._exit(code)


def _end_group(leader: int) -> None:
    """End what a job may have started and left behind."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def limit(usual: float) -> None:
    """Let the process end itself if the next thing takes far longer than usual: an endless loop, or a deadlock."""
    # The first test in a process pays for what all of them share, and other processes may have the cores.
    signal.setitimer(signal.ITIMER_PROF, 5 + 10 * usual)
    signal.setitimer(signal.ITIMER_REAL, 16 + 30 * usual)


TIMED_OUT: Final = (signal.SIGPROF, signal.SIGALRM)
