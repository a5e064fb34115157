"""Attacks on whatever Python calls a model."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import polyrelu
from polyrelu import _library
from polyrelu._models import dense_model


def linear(weights):
    def logits(X):
        return X @ weights.T.astype(X.dtype)

    def vjp(X, cotangent):
        return cotangent @ weights.astype(X.dtype)

    return logits, vjp


@pytest.mark.parametrize("norm, dual", [("l2", 2), ("linf", 1), ("l1", np.inf)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_linear_classifier_has_the_distances_of_geometry(norm, dual, dtype):
    generator = np.random.default_rng(1)
    weights = generator.normal(size=(1, 7))
    X = generator.normal(size=(20, 7)).astype(dtype)
    scores = (X @ weights.T)[:, 0]
    found = polyrelu.attack(linear(weights), X, (scores > 0).astype(int), norm=norm, progress=False)
    expected = np.abs(scores) / np.linalg.norm(weights[0], dual)
    assert np.all(found.radii >= expected * (1 - 1e-5))
    assert np.allclose(found.radii, expected, rtol=1e-4)
    assert found.flags == []


def test_a_pair_gives_what_the_native_network_gives(mlp):
    pair, W, X, y = mlp
    native = polyrelu.attack(dense_model(W, [None, None], "relu"), X, y, box=(0, 1), progress=False)
    found = polyrelu.attack(pair, X, y, box=(0, 1), progress=False)
    assert np.allclose(found.radii, native.radii, rtol=1e-3)
    assert np.median(found.radii / native.radii) == pytest.approx(1, abs=1e-5)
    # Every witness does what it says.
    changed = found.witnesses.reshape(len(X), -1).astype(np.float64)
    assert np.all(pair[0](changed).argmax(axis=1) != y)
    rounding = np.finfo(np.float32).eps
    assert changed.min() >= -rounding and changed.max() <= 1 + rounding
    sizes = np.linalg.norm(changed - X.astype(np.float64), axis=1)
    # Coordinates of witnesses are rounded, and they fool by more than rounding changes logits in another batch: where
    # the margin is small, at 1e-4 of their size beyond the boundary.
    assert np.all(sizes >= found.radii * (1 - 1e-6) - 8 * rounding)
    assert np.all(sizes <= found.radii * (1 + 1.01e-4) + 8 * rounding)
    assert np.median(sizes / found.radii) < 1 + 1e-5
    single = pair[0](found.witnesses.astype(np.float32)).argmax(axis=1)
    alone = [pair[0](row[None].astype(np.float32)).argmax() for row in found.witnesses]
    assert np.all(single != y) and np.all(np.array(alone) != y)


def test_batches_are_whole(mlp):
    (logits, vjp), _, X, y = mlp
    sizes = []

    def counted(X):
        sizes.append(len(X))
        return logits(X)

    polyrelu.attack((counted, vjp), X, y, attack="ddn", check=False, progress=False)
    assert max(sizes) == len(X)
    assert len(sizes) < 300


def test_arrays_are_read_where_they_are():
    for dtype in (np.float32, np.float64):
        X = np.zeros((5, 3), dtype=dtype)
        assert _library.numbers(X, "X") is X
        assert _library.borrowed(X).data == X.ctypes.data


def test_other_layouts_give_the_same(mlp):
    pair, _, X, y = mlp
    model = dense_model(mlp[1], [None, None], "relu")
    effort = {"attack": "ddn", "steps": 20, "check": False, "progress": False}
    expected = polyrelu.attack(model, X, y, **effort).radii
    wide = np.zeros((len(X), 128), dtype=np.float32)
    wide[:, ::2] = X
    for same in (np.asfortranarray(X), wide[:, ::2], X.tolist(), X.astype(X.dtype.newbyteorder())):
        assert np.array_equal(polyrelu.attack(model, same, y, **effort).radii, expected)


def test_the_exception_of_a_function_ends_the_attack(mlp):
    (logits, vjp), _, X, y = mlp
    failure = KeyError("mine")

    def failing(X, cotangent):
        raise failure

    start = time.monotonic()
    with pytest.raises(KeyError) as caught:
        polyrelu.attack((logits, failing), X, y, progress=False)
    assert caught.value is failure
    assert time.monotonic() - start < 1


def test_ctrl_c_ends_an_attack_on_functions_and_on_a_native_network(mlp):
    pair, W, X, y = mlp
    many = np.tile(X, (40, 1))
    for model in (pair, dense_model(W, [None, None], "relu")):
        before = {}

        def interrupt():
            before["time"] = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.4, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            polyrelu.attack(model, many, np.tile(y, 40), box=(0, 1), progress=False)
        assert time.monotonic() - before["time"] < 1


def test_threads_give_the_same(mlp):
    pair, W, X, y = mlp
    effort = {"attack": "apgd-ce", "epsilon": [0.1, 0.3], "check": False, "progress": False}
    expected = polyrelu.attack(pair, X, y, **effort).radii
    assert np.isfinite(expected).any()
    found = [None] * 4

    def work(number):
        found[number] = polyrelu.attack(pair, X, y, **effort).radii

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(radii, expected) for radii in found)


def test_memory_stays_flat(mlp):
    resource = pytest.importorskip("resource")
    pair, _, X, y = mlp

    def size():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    for _ in range(200):
        polyrelu.attack(pair, X[:5], y[:5], attack="ddn", steps=2, check=False, progress=False)
    before = size()
    for _ in range(1000):
        polyrelu.attack(pair, X[:5], y[:5], attack="ddn", steps=2, check=False, progress=False)
    assert size() - before < 4 << 20


def test_a_fork_before_the_first_call_works_and_one_behind_it_is_refused(mlp):
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    pair, _, X, y = mlp
    polyrelu.attack(pair, X[:2], y[:2], attack="ddn", steps=2, check=False, progress=False)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            polyrelu.attack(pair, X[:2], y[:2], attack="ddn", steps=2, check=False, progress=False)
            text = "it ran"
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    said = os.read(reader, 1000).decode()
    assert said.startswith("ComputationError: this process was forked")


def test_progress_is_handed_on_and_may_end_the_attack(mlp):
    pair, _, X, y = mlp
    shares = []
    polyrelu.attack(pair, X[:10], y[:10], progress=shares.append)
    assert shares and shares == sorted(shares) and shares[-1] > 0

    def stop(share):
        raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        polyrelu.attack(pair, X, y, progress=stop)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"norm": "l3"}, "norm is 'l3', expected one of l1, l2, linf"),
        ({"attack": "no"}, "attack is 'no', expected one of standard"),
        ({"epsilon": [-1]}, "epsilon is -1.0, expected finite numbers of at least 0"),
        ({"epsilon": [float("nan")]}, "epsilon is [nan], expected a finite number"),
        ({"steps": 3}, "steps does not apply to the attack 'standard'"),
        ({"box": (0, 0.1)}, "expected a number in 0.0...0.1"),
        ({"box": 3}, "box is 3, expected a pair (low, high)"),
        ({"targets": 9}, "targets: 9 of sample 0 is unknown to the model"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"seed": 0.5}, "seed is 0.5, expected a whole number from 0"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(mlp, change, message):
    pair, _, X, y = mlp
    with pytest.raises(polyrelu.InputError) as caught:
        polyrelu.attack(pair, X, y, progress=False, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_samples_and_labels_are_checked(mlp):
    pair, _, X, y = mlp
    broken = X.copy()
    broken[3, 5] = np.nan
    for samples, labels, message in [
        (broken, y, "row 3, column 5"),
        (X, y[:-1], "one entry a row"),
        (X, y + 7, "is unknown to the model"),
        (X, ["a"] * len(y), "is unknown to the model"),
        (X[0], y[:1], "expected (samples, coordinates)"),
        (X[:0], y[:0], "no samples"),
        (X, y + 0.5, "no integers"),
    ]:
        with pytest.raises(polyrelu.InputError) as caught:
            polyrelu.attack(pair, samples, labels, progress=False)
        assert message in str(caught.value)
    with pytest.raises(polyrelu.InputError, match="expected a path"):
        polyrelu.attack(3, X, y)
    with pytest.raises(polyrelu.InputError, match="returned gradients of shape"):
        polyrelu.attack((pair[0], lambda X, cotangent: np.zeros(3)), X, y)


def test_names_of_classes(mlp):
    pair, _, X, y = mlp
    names = np.array(["ant", "bee", "cat"])
    plain = polyrelu.attack(pair, X, y, attack="quick", targets=1, progress=False)
    named = polyrelu.attack(
        pair, X, names[y], attack="quick", targets="bee", classes=names, progress=False
    )
    assert np.array_equal(plain.radii, named.radii, equal_nan=True)
    assert named.classes == ["ant", "bee", "cat"]


def test_a_result_is_saved_and_drawn(mlp, tmp_path):
    pair, _, X, y = mlp
    found = polyrelu.attack(pair, X, y, epsilon=[0, 0.1, 0.2], attack="ddn", check=False, progress=False)
    found.save(tmp_path / "found.npz")
    again = polyrelu.RobustnessResult.load(tmp_path / "found.npz")
    assert np.array_equal(again.radii, found.radii)
    assert again.flags == found.flags and again.classes == found.classes
    assert again.curve()[1].tolist() == found.curve()[1].tolist()
    assert found.robust_accuracy(0) == found.clean_accuracy == 1
    assert found.robust_accuracy(np.inf) == 0
    assert "<table>" in found._repr_html_()
    pytest.importorskip("pandas")
    table = found.to_pandas()
    assert table["radius"].tolist() == found.radii.tolist()
    pytest.importorskip("matplotlib").use("Agg")
    axes = found.plot()
    assert axes.get_xlabel() == "l2 radius"


def test_a_round_trip_to_python_takes_microseconds(mlp):
    """An empty call, and a request with its answer."""
    calls = 2000
    start = time.perf_counter()
    for _ in range(calls):
        polyrelu.theory.critical_radius(p=3, opposite=4)
    assert (time.perf_counter() - start) / calls < 50e-6
