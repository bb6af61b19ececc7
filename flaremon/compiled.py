"""Loops compiled to machine code: by numba at the first call, then kept on disk.

The code is kept in ``__pycache__`` beside the module, or under the user's cache folder where that
cannot be written. Where neither can, every process compiles for itself, which takes seconds: give
numba a folder of its own then (``NUMBA_CACHE_DIR``). Threads share what one of them compiled.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic

if TYPE_CHECKING:
    import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def compiled(
    *, fastmath: frozenset[str] = frozenset(), inline: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that compiles a function of numbers and arrays.

    It runs without the interpreter's lock, so threads that call it run side by side. Indices are
    not checked: the function must stay within its arrays.

    Parameters
    ----------
    fastmath : frozenset of str, optional
        LLVM's names of the liberties that may be taken with floating-point numbers.
    inline : bool
        Put it into the functions that call it before anything is compiled: for the inner loop of
        another.
    """
    options: dict[str, Any] = {
        "nogil": True, "fastmath": set(fastmath), "inline": "always" if inline else "never"
    }  # fmt: skip

    def compile_(function: Callable[P, R]) -> Callable[P, R]:
        try:
            return cast("Callable[P, R]", numba.njit(cache=True, **options)(function))
        except RuntimeError:  # nowhere to keep the compiled code: a read-only installation
            return cast("Callable[P, R]", numba.njit(**options)(function))

    return compile_


@intrinsic
def _leading_zeros(context: Any, word: Any) -> Any:  # noqa: ARG001 - numba hands it over
    if not isinstance(word, types.Integer):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        zero_is_undefined = context.get_constant(types.boolean, 0)
        return builder.ctlz(arguments[0], zero_is_undefined)

    return word(word), generate


leading_zeros = cast("Callable[[np.uint64], np.uint64]", _leading_zeros)
"""Count the zeros above the highest set bit of an integer; its width for 0.

One instruction of the processor, for compiled functions only.
"""
