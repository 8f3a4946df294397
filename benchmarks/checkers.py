"""Other people's gradient checks, as their users call them, for planted gradients.

Each is given the right E: with a mistake of the forward pass in E as well, as one's own program has
it, none of them would notice anything. E is calculated once for each point that is asked for. Peers
that are not installed are left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.quality.detection import Checker, Patient
from tests.quality.peer import Peer

Array = NDArray[np.float64]
Error = Callable[[NDArray[Any]], Any]

H = 1e-6
"""The step of minitorch, and of most central differences that are written by hand."""

CHECK_GRAD = 1e-6
"""What scipy's check_grad returns is the norm of all errors; users ask that it be below this."""


def remembered(peer: Peer) -> Error:
    """Return E as a function that calculates nothing twice."""
    known: dict[bytes, Any] = {}

    def error(numbers: NDArray[Any]) -> Any:
        key = numbers.tobytes()
        if key not in known:
            known[key] = peer.error(numbers)
        return known[key]

    return error


def central_differences(error: Error, start: NDArray[Any]) -> Array:
    """Return the slopes of E as most people calculate them."""
    found = np.empty(len(start))
    for k in range(len(start)):
        numbers = start.copy()
        numbers[k] = start[k] + start.dtype.type(H)
        above = error(numbers)
        numbers[k] = start[k] - start.dtype.type(H)
        found[k] = (above - error(numbers)) / (2 * start.dtype.type(H))
    return found


def close(error: Error, start: NDArray[Any], rtol: float, atol: float) -> Checker:
    """Return a check by np.allclose with central differences."""
    slopes = central_differences(error, start)
    return lambda theirs: not np.allclose(theirs, slopes, rtol=rtol, atol=atol)


def torch_check(error: Error, start: NDArray[Any]) -> Checker:
    """Return torch.autograd.gradcheck, with its defaults, of a function with that gradient."""
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, numbers: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(gradients)
            return torch.tensor(error(numbers.detach().numpy()), dtype=numbers.dtype)

        @staticmethod
        def backward(ctx: Any, by: torch.Tensor) -> tuple[torch.Tensor, None]:
            return by * ctx.saved_tensors[0], None

    def is_wrong(theirs: Array) -> bool:
        numbers = torch.tensor(start, requires_grad=True)
        gradients = torch.tensor(theirs.astype(start.dtype))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that float32 will likely fail
            return not torch.autograd.gradcheck(
                Planted.apply, (numbers, gradients), raise_exception=False
            )

    return is_wrong


def scipy_check(error: Error, start: NDArray[Any]) -> Checker:
    """Return scipy.optimize.check_grad, with its default step."""
    from scipy.optimize import check_grad

    def is_wrong(theirs: Array) -> bool:
        off = check_grad(lambda x: float(error(x.astype(start.dtype))), lambda _: theirs, start)
        return not off < CHECK_GRAD

    return is_wrong


def checks(patient: Patient, dtype: str) -> dict[str, Checker]:
    """Return the peers' checks by name; E is calculated in this type."""
    peer = Peer(patient.check.point, np.dtype(dtype).type)
    error, start = remembered(peer), peer.start.astype(dtype)
    found = {
        "np.allclose": close(error, start, 1e-5, 1e-8),
        "1e-2": close(error, start, 1e-2, 1e-2),
    }
    if find_spec("torch"):
        found["torch"] = torch_check(error, start)
    if find_spec("scipy"):
        found["scipy"] = scipy_check(error, start)
    return found
