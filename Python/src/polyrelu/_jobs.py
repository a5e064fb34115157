"""Work of the library, on threads of its own, from this thread's point of view."""

from __future__ import annotations

import atexit
import ctypes
import sys
import time
from typing import Any, Callable, List, Optional, Union

from ._library import (
    BACKWARD,
    DONE,
    NOTHING,
    Error,
    Handle,
    Request,
    Result,
    call,
    check,
    library,
)

Progress = Union[bool, Callable[[float], Any], None]

#: Seconds after which Python looks whether somebody has pressed Ctrl-C.
_PAUSE = 0.1
#: Seconds that a job which was cancelled gets to end before it is left alone.
_PATIENCE = 0.5


#: Seconds that such jobs get at the end of the process.
_LAST_PATIENCE = 20.0
#: Jobs that had not ended when they were left alone.
_left_alone: List[Handle] = []


def _ended(job: Handle, seconds: float) -> bool:
    request = Request()
    library.polyrelu_job_wait(job.pointer, seconds, ctypes.byref(request))
    return request.kind == DONE


@atexit.register
def _wait_for_the_rest() -> None:
    """Libraries are taken down at the end of a process, which must not happen below a thread that computes."""
    end = time.monotonic() + _LAST_PATIENCE
    for job in _left_alone:
        if not _ended(job, max(0.0, end - time.monotonic())):
            return


def run(
    name: str, *arguments: Any, model: Any = None, progress: Progress = None, patience: float = _PATIENCE
) -> Result:
    """Starts a job and does what it asks for until it ends.

    What ``model`` or ``progress`` raises, KeyboardInterrupt among it, ends the job and is raised here.
    """
    _left_alone[:] = [job for job in _left_alone if not _ended(job, 0)]
    job = call(name, "job", *arguments)
    show = _shown(progress, name)
    request = Request()
    reference = ctypes.byref(request)
    wait, answer, pointer = library.polyrelu_job_wait, library.polyrelu_job_answer, job.pointer
    try:
        while True:
            wait(pointer, _PAUSE, reference)
            kind = request.kind
            if kind == DONE:
                break
            if kind != NOTHING:
                model.answer(request)
                answer(pointer, 0)
            if show is not None:
                show(request.fraction)
    except BaseException:
        answer(pointer, 1)
        library.polyrelu_job_cancel(pointer)
        wait(pointer, patience, reference)
        if request.kind != DONE:
            _left_alone.append(job)
        raise
    finally:
        if isinstance(show, _Line):
            show.clear()
    output, error = ctypes.c_void_p(), Error()
    check(library.polyrelu_job_result(pointer, ctypes.byref(output), ctypes.byref(error)), error)
    return Result(Handle(output.value, library.polyrelu_result_free))


def _shown(progress: Progress, name: str) -> Optional[Callable[[float], Any]]:
    if callable(progress):
        return progress
    return _Line(name) if progress and sys.stderr is not None and sys.stderr.isatty() else None


class _Line:
    """A line on a terminal that is written again and again."""

    def __init__(self, name: str) -> None:
        self.name, self.start, self.last, self.width = name, time.monotonic(), 0.0, 0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self.start < 0.5 or now - self.last < 0.2:
            return
        self.last = now
        text = f"{self.name}: {100 * fraction:.0f}%, {now - self.start:.0f} s"
        sys.stderr.write("\r" + text.ljust(self.width))
        sys.stderr.flush()
        self.width = len(text)

    def clear(self) -> None:
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()


__all__ = ["BACKWARD", "Progress", "run"]
