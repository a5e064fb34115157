"""The shared library: where it is, its structures, and its errors."""

from __future__ import annotations

import ctypes
import json
import operator
import os
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

ABI = 1
OK, BAD_INPUT, FAILED, CANCELLED = range(4)
NOTHING, DONE, LOGITS, FORWARD, BACKWARD = range(5)
TYPES = {1: np.dtype(np.float32), 2: np.dtype(np.float64), 3: np.dtype(np.int64)}
CODES = {dtype: code for code, dtype in TYPES.items()}


class PolyReLUError(Exception):
    """Whatever the library refuses or fails at."""


class InputError(PolyReLUError, ValueError):
    """Something that was handed in cannot be used; the message says what was expected."""


class ComputationError(PolyReLUError, RuntimeError):
    """The computation failed, for instance because training diverged."""


class Array(ctypes.Structure):
    """``polyrelu_array``."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * 8),
        ("strides", ctypes.c_int64 * 8),
    ]


class Error(ctypes.Structure):
    """``polyrelu_error``."""

    _fields_ = [("status", ctypes.c_int32), ("message", ctypes.c_char * 1020)]


class Request(ctypes.Structure):
    """``polyrelu_request``."""

    _fields_ = [
        ("kind", ctypes.c_int32),
        ("type", ctypes.c_int32),
        ("count", ctypes.c_int64),
        ("inputs", ctypes.c_void_p),
        ("cotangent", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
        ("fraction", ctypes.c_double),
    ]


_POINTER = ctypes.c_void_p
_OUTPUT = ctypes.POINTER(ctypes.c_void_p)
_ARRAY = ctypes.POINTER(Array)
_ERROR = ctypes.POINTER(Error)
_TEXT = ctypes.c_char_p

_FUNCTIONS = {
    "abi": (ctypes.c_int32, []),
    "version": (_TEXT, []),
    "set_threads": (None, [ctypes.c_int32]),
    "set_spelling": (None, [ctypes.c_int32]),
    "set_files": (None, [_TEXT]),
    "data_create": (ctypes.c_int32, [_ARRAY] * 5 + [_TEXT, _OUTPUT, _ERROR]),
    "data_load": (ctypes.c_int32, [_TEXT, _OUTPUT, _ERROR]),
    "data_contents": (ctypes.c_int32, [_POINTER, _OUTPUT, _ERROR]),
    "data_free": (None, [_POINTER]),
    "model_open": (ctypes.c_int32, [_TEXT, _TEXT, _OUTPUT, _ERROR]),
    "model_shallow": (ctypes.c_int32, [_ARRAY] * 4 + [_TEXT, _OUTPUT, _ERROR]),
    "model_dense": (
        ctypes.c_int32,
        [ctypes.c_int32, ctypes.POINTER(_ARRAY), ctypes.POINTER(_ARRAY), _TEXT, _OUTPUT, _ERROR],
    ),
    "model_functions": (ctypes.c_int32, [_TEXT, _OUTPUT, _ERROR]),
    "model_contents": (ctypes.c_int32, [_POINTER, _OUTPUT, _ERROR]),
    "model_write": (ctypes.c_int32, [_POINTER, _TEXT, _ERROR]),
    "model_free": (None, [_POINTER]),
    "result_json": (_TEXT, [_POINTER]),
    "result_array": (ctypes.c_int32, [_POINTER, _TEXT, _ARRAY]),
    "result_model": (ctypes.c_int32, [_POINTER, _OUTPUT, _ERROR]),
    "result_free": (None, [_POINTER]),
    "attack": (ctypes.c_int32, [_POINTER, _POINTER, _POINTER, _ARRAY, _TEXT, _OUTPUT, _ERROR]),
    "certify": (ctypes.c_int32, [_POINTER, _POINTER, _POINTER, _TEXT, _OUTPUT, _ERROR]),
    "verify": (ctypes.c_int32, [_POINTER, _POINTER, _TEXT, _OUTPUT, _ERROR]),
    "predict": (ctypes.c_int32, [_POINTER, _POINTER, _OUTPUT, _ERROR]),
    "train": (ctypes.c_int32, [_POINTER, _POINTER, _TEXT, _OUTPUT, _ERROR]),
    "flow": (ctypes.c_int32, [_POINTER, _TEXT, _OUTPUT, _ERROR]),
    "alignment": (ctypes.c_int32, [_POINTER, _POINTER, _OUTPUT, _ERROR]),
    "experiment": (ctypes.c_int32, [_TEXT, _OUTPUT, _ERROR]),
    "job_wait": (ctypes.c_int32, [_POINTER, ctypes.c_double, ctypes.POINTER(Request)]),
    "job_answer": (None, [_POINTER, ctypes.c_int32]),
    "job_cancel": (None, [_POINTER]),
    "job_result": (ctypes.c_int32, [_POINTER, _OUTPUT, _ERROR]),
    "job_free": (None, [_POINTER]),
    "critical_radius": (ctypes.c_double, [ctypes.c_double, ctypes.c_int64]),
    "critical_radius_relu": (ctypes.c_double, [ctypes.c_int64]),
}


def _path() -> Path:
    chosen = os.environ.get("POLYRELU_LIBRARY")
    if chosen:
        return Path(chosen)
    return Path(__file__).parent / "_native" / "libpolyreluc.so"


def _load() -> Any:
    path = _path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"the library of polyrelu cannot be loaded from {path}: {error}; install the package with pip, or "
            "name the library in POLYRELU_LIBRARY"
        ) from error
    for name, (result, arguments) in _FUNCTIONS.items():
        try:
            function = getattr(library, f"polyrelu_{name}")
        except AttributeError as error:
            raise ImportError(f"{path} is no library of this version of polyrelu: {error}") from error
        function.restype, function.argtypes = result, arguments
    found = library.polyrelu_abi()
    if found != ABI:
        raise ImportError(f"{path} has the interface {found}, this package expects {ABI}")
    library.polyrelu_set_spelling(1)
    library.polyrelu_set_files(os.fsencode(path.resolve().parent))
    return library


library = _load()


def check(status: int, error: Error) -> None:
    """Raises what a status says."""
    if status == OK:
        return
    message = error.message.decode("utf-8", "replace")
    if status == BAD_INPUT:
        raise InputError(message)
    raise ComputationError(message)


def options(values: Mapping[str, Any]) -> bytes:
    """Options as the library reads them, without those that are None."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        raise TypeError(f"{type(value).__name__} is no value of an option")

    kept = {name: value for name, value in values.items() if value is not None}
    try:
        return json.dumps(kept, default=plain, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        for name, value in kept.items():
            try:
                json.dumps(value, default=plain, allow_nan=False)
            except (TypeError, ValueError):
                raise InputError(f"{name} is {value!r}, expected a finite number, text or list") from None
        raise InputError(str(error)) from None


def borrowed(array: Optional[np.ndarray]) -> Optional[Array]:
    """The memory of an array for the time of a call. The caller keeps the array alive."""
    if array is None:
        return None
    result = Array()
    result.data = array.__array_interface__["data"][0]
    result.type, result.rank = CODES[array.dtype], array.ndim
    result.shape[: array.ndim] = array.shape
    result.strides[: array.ndim] = array.strides
    return result


def numbers(values: Any, name: str) -> np.ndarray:
    """Numbers as the library reads them: float32 and float64 arrays as they are, others as float64."""
    array = as_array(values)
    if array.dtype in (np.float32, np.float64):
        return array if array.flags.c_contiguous and array.flags.aligned else np.ascontiguousarray(array)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "biuf":
        return np.ascontiguousarray(array, dtype=np.float64)
    try:
        return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} holds {array.dtype} values, expected numbers: {error}") from None


def as_array(values: Any) -> np.ndarray:
    """Arrays of NumPy, PyTorch, JAX and pandas, and lists, as arrays of NumPy."""
    if isinstance(values, np.ndarray):
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        return values.numpy()
    return np.asarray(values)


def whole(value: Any, name: str) -> int:
    """A whole number from 0 on, as seeds are."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise InputError(f"{name} is {value!r}, expected a whole number from 0 to 2^64 - 1")
    return number


class Memory:
    """A view of memory of the library as NumPy sees it; keeps the owner alive."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, address: int, shape: tuple, dtype: np.dtype, owner: Any, writable: bool = False) -> None:
        self.__array_interface__ = {
            "data": (address, not writable),
            "shape": shape,
            "typestr": dtype.str,
            "version": 3,
        }
        self.owner = owner


class Handle:
    """An opaque pointer that is freed with this object; handed to functions as it is, so that it outlives the call."""

    __slots__ = ("pointer", "_free")

    def __init__(self, pointer: int, free: Any) -> None:
        self.pointer, self._free = pointer, free

    @property
    def _as_parameter_(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.pointer)

    def __del__(self) -> None:
        if self.pointer:
            self._free(self.pointer)
            self.pointer = 0


def call(name: str, free: str, *arguments: Any) -> Handle:
    """Calls a function that makes a handle."""
    output, error = ctypes.c_void_p(), Error()
    function = getattr(library, f"polyrelu_{name}")
    status = function(*arguments, ctypes.byref(output), ctypes.byref(error))
    check(status, error)
    return Handle(output.value, getattr(library, f"polyrelu_{free}_free"))


class Result:
    """A document with arrays."""

    __slots__ = ("handle", "document")

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        document = json.loads(library.polyrelu_result_json(handle.pointer))
        restore(document)
        self.document = document

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def get(self, name: str) -> Any:
        return self.document.get(name)

    def array(self, name: str) -> Optional[np.ndarray]:
        """An array by its name, in the memory of the result; None where there is none."""
        array = Array()
        if library.polyrelu_result_array(self.handle.pointer, name.encode(), ctypes.byref(array)) != OK:
            return None
        shape, dtype = tuple(array.shape[: array.rank]), TYPES[array.type]
        return np.asarray(Memory(array.data, shape, dtype, self.handle, writable=True))

    def model(self) -> Handle:
        return call("result_model", "model", self.handle)


def restore(document: Any) -> None:
    """Puts the numbers that JSON lacks back where the document says that they were."""
    places = document.pop("notFinite", None) if isinstance(document, dict) else None
    values = {"infinite": float("inf"), "minusInfinite": float("-inf"), "undefined": float("nan")}
    for kind, pointers in (places or {}).items():
        for pointer in pointers:
            parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
            target: Any = document
            for part in parts[:-1]:
                target = target[int(part)] if isinstance(target, list) else target[part]
            last: Any = int(parts[-1]) if isinstance(target, list) else parts[-1]
            target[last] = values[kind]


def set_threads(count: int = 0) -> None:
    """Sets how many threads all work together may use.

    Parameters
    ----------
    count : int
        Threads; 0 for all processors that this process may use. It never changes a result.

    Examples
    --------
    >>> import polyrelu
    >>> polyrelu.set_threads(0)
    """
    library.polyrelu_set_threads(count)


def version() -> str:
    """The version of the library."""
    return library.polyrelu_version().decode()
