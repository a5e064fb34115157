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


def test_our_modules_compute_what_our_networks_compute(digits):
    pytest.importorskip("sklearn")
    from polyrelu.classifier import PReLUClassifier
    from polyrelu.torch import PReLUNetwork

    test, train = digits
    model = PReLUClassifier(p=2.5, hidden_width=16, epochs=20).fit(train.X, train.y)
    module = PReLUNetwork.from_model(model)
    logits = module(torch.from_numpy(test.X)).detach().numpy()
    assert np.allclose(logits, model.decision_function(test.X), rtol=1e-4, atol=1e-5)
    # And back: the same network of the library, so the same radii.
    found = polyrelu.attack(module, test.X[:10], test.y[:10], attack="quick", progress=False)
    expected = polyrelu.attack(model, test.X[:10], test.y[:10], attack="quick", progress=False)
    assert np.array_equal(found.radii, expected.radii)


def test_the_gradient_of_our_layer():
    from polyrelu.torch import PReLU

    torch.manual_seed(0)
    layer = PReLU(4, 3, p=3).double()
    with torch.no_grad():
        layer.weight[1] = 0
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    layer(x).sum().backward()
    assert torch.equal(layer.weight.grad[1], torch.zeros(4, dtype=torch.float64))
    w = layer.weight.detach()
    expected = torch.relu(x @ w[0]) ** 3 / w[0].norm() ** 2
    assert torch.allclose(layer(x)[:, 0], expected)
