"""Reading results: the sandbox is not trusted, so only values of allowed types are made of them.

Plain data (numbers, strings, containers) is read by the C unpickler with every global refused. A
pickle with globals is read by ``CheckedUnpickler``, and here is what it may find: value types of
Python, NumPy and pandas; classes of the notebook and of local modules; what ``trust=`` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbfaas.agent.wire import Bytes
from nbfaas.errors import ResultUnreadable, UntrustedResult
from nbfaas.packager.policy import load_checked
from nbfaas.packager.rebuild import rebuild_exception
from nbfaas.packager.unpickler import Damaged, Refused

__all__ = ["load_result", "rebuild_exception"]


def load_result(parts: Sequence[Bytes], *, function: str, trust: tuple[str, ...] = ()) -> Any:
    """Unpickle what a sandbox returned: a pickle and its out-of-band buffers.

    ``trust`` are modules, and packages with all their modules, whose names may all be used. Raises
    ``UntrustedResult``, or ``ResultUnreadable`` for bytes that are no such pickle.
    """
    try:
        return load_checked(parts, trust)
    except Refused as refused:
        raise UntrustedResult(function, refused.name) from None
    except Damaged as damaged:
        raise ResultUnreadable(function, str(damaged)) from None
    except ImportError as error:
        reason = f"{error.name or error} is not installed where this notebook runs"
        raise ResultUnreadable(function, reason) from None
    except Exception as error:
        reason = f"{type(error).__name__} while it was unpickled: {error}"
        raise ResultUnreadable(function, reason) from error
