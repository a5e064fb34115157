"""Whatever Python calls a model, as the library sees it."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np

from ._library import (
    BACKWARD,
    FORWARD,
    LOGITS,
    TYPES,
    Array,
    Handle,
    InputError,
    Memory,
    Request,
    Result,
    as_array,
    borrowed,
    call,
    numbers,
    options,
)


class Model:
    """A model of the library, with what Python knows about its classes."""

    def __init__(self, handle: Handle, classes: Optional[np.ndarray] = None) -> None:
        self.handle = handle
        #: The values of the classes in the order of the outputs, where they are known in Python only.
        self.classes = classes

    def answer(self, request: Request) -> None:
        raise RuntimeError("a network of the library computes itself")

    def contents(self) -> Result:
        return Result(call("model_contents", "result", self.handle))

    def encode(self, labels: Any, name: str) -> Any:
        """Labels as the library knows them: positions where classes are known in Python only."""
        if self.classes is None:
            return labels
        array = as_array(labels)
        positions = {value: position for position, value in enumerate(self.classes.tolist())}
        try:
            found = [positions[value] for value in array.ravel().tolist()]
        except KeyError as error:
            raise InputError(
                f"{name} holds the label {error.args[0]!r}, which is unknown to the model, whose classes are "
                f"{self.classes.tolist()}"
            ) from None
        return np.asarray(found, dtype=np.int64).reshape(array.shape)

    def decode(self, positions: np.ndarray, values: Sequence[Any]) -> np.ndarray:
        """The values of classes by their numbers."""
        known = self.classes if self.classes is not None else np.asarray(values)
        return known[positions]


class FunctionModel(Model):
    """A model whose logits and gradients Python computes.

    Subclasses give ``forward(X)``, and ``backward(X, cotangent)`` of the X that was last forwarded.
    """

    def __init__(
        self, dimension: int, outputs: int, shape: Tuple[int, ...], double: bool, classes: Optional[np.ndarray] = None
    ) -> None:
        text = options(
            {
                "dimension": dimension,
                "outputs": outputs,
                "double": double,
                "shape": list(shape) if len(shape) > 1 else None,
            }
        )
        super().__init__(call("model_functions", "model", text), classes)
        self.dimension, self.outputs, self.shape = dimension, outputs, tuple(shape)

    def forward(self, X: np.ndarray, needs_gradient: bool) -> Any:
        raise NotImplementedError

    def backward(self, X: np.ndarray, cotangent: np.ndarray) -> Any:
        raise NotImplementedError

    def answer(self, request: Request) -> None:
        count, dtype = request.count, TYPES[request.type]
        X = np.asarray(Memory(request.inputs, (count, *self.shape), dtype, None))
        if request.kind == BACKWARD:
            cotangent = np.asarray(Memory(request.cotangent, (count, self.outputs), dtype, None))
            gradient = as_array(self.backward(X, cotangent))
            self._write(gradient, request.output, (count, self.dimension), dtype, "gradients")
        elif request.kind in (LOGITS, FORWARD):
            logits = as_array(self.forward(X, request.kind == FORWARD))
            self._write(logits, request.output, (count, self.outputs), dtype, "logits")
        else:
            raise RuntimeError(f"the library asks for {request.kind}, which this package does not know")

    @staticmethod
    def _write(values: np.ndarray, address: int, shape: Tuple[int, int], dtype: np.dtype, name: str) -> None:
        if values.size != shape[0] * shape[1]:
            raise InputError(f"the model returned {name} of shape {values.shape}, expected {shape}")
        target = np.asarray(Memory(address, shape, dtype, None, writable=True))
        np.copyto(target, values.reshape(shape), casting="unsafe")


class PairModel(FunctionModel):
    """A pair of functions ``logits(X)`` and ``vjp(X, cotangent)``."""

    def __init__(self, logits: Callable, vjp: Callable, X: np.ndarray, classes: Optional[np.ndarray]) -> None:
        self._logits, self._vjp = logits, vjp
        trial = as_array(logits(X[:1].copy()))
        outputs = _outputs(trial)
        double = as_array(logits(X[:1].astype(np.float64)))
        super().__init__(
            int(np.prod(X.shape[1:])), outputs, X.shape[1:], double.dtype == np.float64, classes
        )
        self._flat = trial.ndim == 1

    def forward(self, X: np.ndarray, needs_gradient: bool) -> Any:
        # A copy belongs to the function, which may keep it.
        return self._logits(X.copy())

    def backward(self, X: np.ndarray, cotangent: np.ndarray) -> Any:
        return self._vjp(X.copy(), cotangent[:, 0].copy() if self._flat else cotangent.copy())


def _outputs(trial: np.ndarray) -> int:
    if trial.ndim not in (1, 2) or trial.shape[0] != 1 or trial.size == 0:
        raise InputError(
            f"logits of one sample have the shape {trial.shape}, expected (1, outputs), or (1,) for one output"
        )
    if not np.all(np.isfinite(trial)):
        raise InputError("the logits of the first sample are not finite")
    return trial.shape[1] if trial.ndim == 2 else 1


class TorchModel(FunctionModel):
    """A ``torch.nn.Module`` in evaluation mode, on its own device and in its own dtype."""

    def __init__(self, module: Any, X: np.ndarray, classes: Optional[np.ndarray], batch_size: Optional[int]) -> None:
        import torch

        self._torch = torch
        training = [name for name, part in module.named_modules() if part.training]
        if training:
            where = f"its part '{training[0]}'" if training[0] else "it"
            raise InputError(
                f"the module is not in evaluation mode ({where} is in training mode): call model.eval() first, and "
                "model.train() behind the attack"
            )
        self._module = module
        tensors = [t for t in [*module.parameters(), *module.buffers()] if t.is_floating_point()]
        self._device = tensors[0].device if tensors else torch.device("cpu")
        self._dtype = tensors[0].dtype if tensors else torch.float32
        self._batch_size = batch_size or 1000
        self._double: Any = None
        self._traces: List[Tuple[Any, Any]] = []
        trial = self.forward(X[:1].astype(np.float32), False)
        outputs = _outputs(trial.numpy())
        super().__init__(
            int(np.prod(X.shape[1:])), outputs, X.shape[1:], self._computes_in_double(X, trial), classes
        )

    def _computes_in_double(self, X: np.ndarray, trial: Any) -> bool:
        """Makes a copy of the module in double precision, where that works."""
        import copy

        torch = self._torch
        try:
            self._double = copy.deepcopy(self._module).double().eval()
            found = self.forward(X[:1].astype(np.float64), False)
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            self._double = None
            return False
        close = torch.allclose(found.double(), trial.double(), rtol=0.05, atol=0.05)
        if found.dtype != torch.float64 or not close:
            self._double = None
        return self._double is not None

    def forward(self, X: np.ndarray, needs_gradient: bool) -> Any:
        torch = self._torch
        is_double = X.dtype == np.float64
        module = self._double if is_double and self._double is not None else self._module
        dtype = torch.float64 if module is self._double else self._dtype
        outputs = []
        self._traces = []
        with torch.inference_mode(False), torch.set_grad_enabled(needs_gradient):
            for start in range(0, len(X), self._batch_size):
                x = _tensor(torch, X[start : start + self._batch_size]).to(self._device, dtype)
                if needs_gradient:
                    x = x.detach().requires_grad_(True)
                found = module(x)
                found = getattr(found, "logits", found)
                if not isinstance(found, torch.Tensor):
                    raise InputError(f"the module returned {type(found).__name__}, expected a tensor of logits")
                if needs_gradient:
                    self._traces.append((x, found))
                found = found.detach()
                outputs.append(found.double().cpu() if is_double else found.float().cpu())
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def backward(self, X: np.ndarray, cotangent: np.ndarray) -> Any:
        torch, traces = self._torch, self._traces
        self._traces = []
        gradients = []
        start = 0
        for x, found in traces:
            weights = _tensor(torch, cotangent[start : start + len(x)]).to(found.device, found.dtype)
            if found.requires_grad:
                (gradient,) = torch.autograd.grad(found, x, weights.reshape(found.shape), allow_unused=True)
            else:
                gradient = None
            gradients.append(torch.zeros_like(x) if gradient is None else gradient)
            start += len(x)
        gradients = [g.double().cpu() if X.dtype == np.float64 else g.float().cpu() for g in gradients]
        return gradients[0] if len(gradients) == 1 else torch.cat(gradients)


def _tensor(torch: Any, array: np.ndarray) -> Any:
    """A tensor over the memory of an array, also where that may not be written."""
    if not array.flags.writeable:
        interface = array.__array_interface__
        array = np.asarray(Memory(interface["data"][0], array.shape, array.dtype, array, writable=True))
    return torch.from_numpy(array)


def path_model(path: Any, **details: Any) -> Model:
    """A network from a file or run directory."""
    text = options(details)
    return Model(call("model_open", "model", os.fsencode(os.fspath(path)), text))


def dense_model(
    weights: Sequence[np.ndarray],
    biases: Sequence[Optional[np.ndarray]],
    activation: str,
    classes: Optional[np.ndarray] = None,
) -> Model:
    """Fully connected layers, x -> W x + b."""
    kept = [[None if a is None else np.ascontiguousarray(a, dtype=np.float64) for a in list_] for list_ in (weights, biases)]
    structures = [[borrowed(a) for a in list_] for list_ in kept]
    pointer = ctypes.POINTER(Array)
    lists = [
        (pointer * len(list_))(*[pointer() if s is None else ctypes.pointer(s) for s in list_]) for list_ in structures
    ]
    text = options({"activation": activation})
    return Model(call("model_dense", "model", len(weights), lists[0], lists[1], text), classes)


def shallow_model(
    hidden_weights: np.ndarray,
    output_weights: np.ndarray,
    output_bias: Optional[np.ndarray] = None,
    center: Optional[np.ndarray] = None,
    *,
    p: float,
    normalize_input: bool = False,
    hidden_bias: bool = False,
    classes: Optional[np.ndarray] = None,
) -> Model:
    """A pReLU network of one hidden layer."""
    arrays = [None if a is None else numbers(a, "weights") for a in (hidden_weights, output_weights, output_bias, center)]
    structures = [borrowed(a) for a in arrays]
    pointers = [None if s is None else ctypes.byref(s) for s in structures]
    text = options({"p": p, "normalize_input": normalize_input, "hidden_bias": hidden_bias})
    return Model(call("model_shallow", "model", *pointers, text), classes)


def resolve(
    model: Any, X: Optional[np.ndarray], classes: Any = None, batch_size: Optional[int] = None, **details: Any
) -> Model:
    """The model of the library for anything that Python calls one."""
    known = None if classes is None else np.asarray(classes)
    if isinstance(model, Model):
        return model
    if isinstance(model, (str, os.PathLike)):
        values = None if known is None else known.tolist()
        return path_model(model, classes=values, **details)
    given = [name for name, value in details.items() if value is not None]
    if given:
        raise InputError(f"{given[0]} is for models from files, the model is a {type(model).__name__}")
    own = getattr(model, "_polyrelu_model", None)
    if own is not None:
        return own()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        return TorchModel(model, _samples(X), known, batch_size)
    if isinstance(model, (tuple, list)) and len(model) == 2 and all(callable(part) for part in model):
        return PairModel(model[0], model[1], _samples(X), known)
    if callable(getattr(model, "logits", None)) and callable(getattr(model, "vjp", None)):
        return PairModel(model.logits, model.vjp, _samples(X), known)
    if type(model).__module__.split(".")[0] == "sklearn" or hasattr(model, "get_params"):
        from ._sklearn_models import sklearn_model

        return sklearn_model(model)
    raise InputError(
        f"the model is a {type(model).__name__}, expected a path, a torch.nn.Module, a scikit-learn classifier, a "
        "PReLUClassifier, or a pair of functions (logits, vjp)"
    )


def _samples(X: Optional[np.ndarray]) -> np.ndarray:
    if X is None or len(X) == 0:
        raise InputError("X has no samples, expected at least one")
    return X
