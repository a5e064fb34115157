"""PyTorch modules."""

import numpy as np
import pytest

import polyrelu
from polyrelu._models import dense_model

torch = pytest.importorskip("torch")


@pytest.fixture
def module(mlp):
    _, W, _, _ = mlp
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 16, bias=False), torch.nn.ReLU(), torch.nn.Linear(16, 3, bias=False)
    )
    with torch.no_grad():
        network[1].weight.copy_(torch.from_numpy(W[0]))
        network[3].weight.copy_(torch.from_numpy(W[1]))
    return network.eval()


def test_radii_are_those_of_the_native_network(mlp, module):
    _, W, X, y = mlp
    native = polyrelu.attack(dense_model(W, [None, None], "relu"), X, y, box=(0, 1), progress=False)
    images = X.reshape(-1, 1, 8, 8)
    found = polyrelu.attack(module, images, torch.from_numpy(y), box=(0, 1), batch_size=17, progress=False)
    assert found.witnesses.shape == images.shape
    assert np.median(found.radii / native.radii) == pytest.approx(1, abs=1e-5)
    assert np.allclose(found.radii, native.radii, rtol=1e-3)
    with torch.no_grad():
        exact = np.clip(X.astype(np.float64) + found.perturbations, 0, 1)
        assert np.all(module.double()(torch.from_numpy(exact)).argmax(1).numpy() != y)


def test_the_module_stays_as_it_is(mlp, module):
    _, _, X, y = mlp
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with torch.inference_mode():
        polyrelu.attack(module, X, y, attack="ddn", check=False, progress=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not module.training and torch.is_grad_enabled()


def test_half_precision_is_kept(mlp, module):
    _, _, X, y = mlp
    seen = set()
    module.register_forward_hook(lambda module, inputs, output: seen.add(inputs[0].dtype))
    module.to(torch.bfloat16)
    found = polyrelu.attack(module, X[:10], y[:10], attack="ddn", steps=5, check=False, progress=False)
    assert torch.bfloat16 in seen
    assert len(found.radii) == 10


def test_training_mode_is_refused(mlp, module):
    _, _, X, y = mlp
    module[2].train()
    with pytest.raises(polyrelu.InputError, match=r"its part '2' is in training mode.*model\.eval\(\)"):
        polyrelu.attack(module, X, y)


def test_an_exception_of_the_module_comes_through(mlp):
    class Broken(torch.nn.Module):
        calls = 0

        def forward(self, x):
            Broken.calls += 1
            if Broken.calls > 5:
                raise ZeroDivisionError("in the module")
            return x[:, :2]

    _, _, X, _ = mlp
    with pytest.raises(ZeroDivisionError, match="in the module"):
        polyrelu.attack(Broken().eval(), X, (X[:, 1] > X[:, 0]).astype(int), progress=False)
