"""The same networks as PyTorch modules, so that training may stay in PyTorch."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import nn

from ._models import Model, resolve, shallow_model


class PReLU(nn.Module):
    """A layer h_j(x) = relu(<w_j, x>)^p / ||w_j||^(p-1); a neuron with w_j = 0 gives 0.

    Parameters
    ----------
    in_features, out_features : int
        Coordinates of the input, and neurons.
    p : float
        The degree, at least 1.
    init_scale : float, optional
        The standard deviation of the initial weights; Kaiming's initialisation when left out.

    Examples
    --------
    >>> import torch
    >>> from polyrelu.torch import PReLU
    >>> layer = PReLU(2, 1, p=2)
    >>> with torch.no_grad():
    ...     _ = layer.weight.copy_(torch.tensor([[3.0, 4.0]]))
    >>> layer(torch.tensor([[1.0, 0.5], [-1.0, 0.0]])).tolist()
    [[5.0], [0.0]]
    """

    def __init__(self, in_features: int, out_features: int, p: float = 3.0, init_scale: Optional[float] = None) -> None:
        super().__init__()
        if not p >= 1:
            raise ValueError(f"p is {p}, expected at least 1")
        self.p = float(p)
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        if init_scale is None:
            nn.init.kaiming_normal_(self.weight)
        else:
            nn.init.normal_(self.weight, std=init_scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) to (..., out_features)."""
        products = torch.relu(nn.functional.linear(x, self.weight))
        if self.p == 1:
            return products
        norms = torch.linalg.vector_norm(self.weight, dim=1)
        # relu(<w, x>) (relu(<w, x>) / ||w||)^(p-1): neither overflows where the other would.
        safe = torch.where(norms > 0, norms, torch.ones_like(norms))
        return products * (products / safe) ** (self.p - 1)

    def extra_repr(self) -> str:
        return f"in_features={self.weight.shape[1]}, out_features={self.weight.shape[0]}, p={self.p}"


class PReLUNetwork(nn.Module):
    """A network of one hidden layer, f(x) = V h(x - center) + bias, with one output for two classes.

    Parameters
    ----------
    in_features, hidden_width : int
        Coordinates of the input, and hidden neurons.
    outputs : int
        1 for two classes, otherwise one a class.
    p : float
        The degree.
    bias : bool
        Whether outputs have a bias.
    init_scale : float, optional
        The standard deviation of all initial weights.
    """

    def __init__(
        self, in_features: int, hidden_width: int, outputs: int = 1, p: float = 3.0, bias: bool = False,
        init_scale: Optional[float] = None,
    ) -> None:
        super().__init__()
        self.hidden = PReLU(in_features, hidden_width, p, init_scale)
        self.output = nn.Linear(hidden_width, outputs, bias=bias)
        if init_scale is not None:
            nn.init.normal_(self.output.weight, std=init_scale)
        self.register_buffer("center", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in_features) to (..., outputs)."""
        center: Any = self.center
        return self.output(self.hidden(x if center is None else x - center))

    @classmethod
    def from_model(cls, model: Any) -> "PReLUNetwork":
        """The module of a network of one hidden layer: a path, a :class:`polyrelu.Network` or a PReLUClassifier."""
        found = resolve(model, None).contents()
        if found["kind"] != "shallow" or found["normalizeInput"] or found["hiddenBias"]:
            raise ValueError(
                "the model is no network of one hidden layer without input normalisation and hidden biases"
            )
        hidden, output = found.array("hidden_weights"), found.array("output_weights")
        bias, center = found.array("output_bias"), found.array("center")
        module = cls(hidden.shape[1], hidden.shape[0], output.shape[0], found["p"], bias is not None)
        module.to(torch.from_numpy(hidden).dtype)
        with torch.no_grad():
            module.hidden.weight.copy_(torch.from_numpy(hidden))
            module.output.weight.copy_(torch.from_numpy(output))
            if bias is not None:
                module.output.bias.copy_(torch.from_numpy(bias))
        if center is not None:
            module.center = torch.from_numpy(center.copy())
        return module

    def _polyrelu_model(self) -> Model:
        """The network of the library with these weights: attacked and certified without PyTorch."""
        bias, center = self.output.bias, self.center
        arrays = [
            None if t is None else t.detach().cpu().numpy()
            for t in (self.hidden.weight, self.output.weight, bias, center)
        ]
        return shallow_model(*arrays, p=self.hidden.p)
