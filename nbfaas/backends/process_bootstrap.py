"""Run by the process backend as ``python process_bootstrap.py <parent's pid> <folder of nbfaas>``.

A script: it binds the process to its parent's life, then becomes the agent.
"""

import ctypes
import gc
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_main_thread = threading.get_ident()
_forked_by_main = False


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _before_fork() -> None:
    global _forked_by_main
    _forked_by_main = threading.get_ident() == _main_thread


def _after_fork() -> None:
    # The kernel clears the setting in a child. It means the parent *thread*, so only children of
    # the main thread, which lives as long as the agent, may have it.
    if _forked_by_main:
        _die_with_parent()


if __name__ == "__main__":
    _die_with_parent()
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
    if os.getppid() != int(sys.argv[1]):
        os._exit(0)  # the parent died before it was bound to
    sys.path.append(sys.argv[2])
    del sys.argv[1:]
    gc.disable()  # till main() has its imports: looking for garbage, where none is, takes 4 ms
    from nbfaas.agent.__main__ import main

    main()
