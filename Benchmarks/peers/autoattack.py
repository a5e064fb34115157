"""Time AutoAttack's standard version on a network that the paper's authors published.

APGD-CE, APGD-T, FAB-T and Square one after the other, each on what still
stands, inputs kept in [0, 1]. The samples are the first of rows 50000 to 59999
of MNIST's training set. With `--model` it is a chain of Gemm and Relu in an
ONNX file, and the samples are the first of MNIST's test set, in units of 255.
Denormal numbers are flushed to zero unless
`--denormals` is given.

Example:
    python autoattack.py --data DATA --p 3 --norm linf --epsilon 0.1 --samples 1000
"""

import torch
from pyautoattack import AutoAttack

from common import PReLUNetwork, argument_parser, dense_chain, measured, mnist, report, start


def main():
    parser = argument_parser(__doc__.split("\n")[0])
    parser.add_argument("--norm", choices=["linf", "l2", "l1"], default="linf")
    parser.add_argument("--epsilon", type=float, default=0.1)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--batch-size", type=int, default=1_000)
    parser.add_argument("--model", help="an ONNX file below the data folder")
    parser.add_argument("--denormals", action="store_true", help="keep denormal numbers")
    arguments = parser.parse_args()
    start(arguments, flush_denormal=not arguments.denormals)
    if arguments.model:
        x, y = mnist(arguments.data, "published-test", limit=arguments.samples)
        network = dense_chain(f"{arguments.data}/{arguments.model}").requires_grad_(False)
    else:
        x, y = mnist(arguments.data, "test", limit=arguments.samples)
        network = PReLUNetwork.load(
            f"{arguments.data}/pretrained/mnist-digits-p{arguments.p:g}.safetensors", arguments.p
        ).requires_grad_(False)
    # Square Attack wants images: channels, height, width.
    x = x.reshape(-1, 1, 28, 28)
    network = torch.nn.Sequential(torch.nn.Flatten(), network)
    attack = AutoAttack(
        network, norm=arguments.norm.capitalize(), eps=arguments.epsilon, seed=arguments.seed,
        version="standard", device="cpu",
    )

    def evaluate():
        correct = network(x).argmax(1) == y
        adversarial = attack.run_standard_evaluation(x, y, batch_size=arguments.batch_size)
        if isinstance(adversarial, tuple):
            adversarial = adversarial[0]
        robust = correct & (network(adversarial).argmax(1) == y)
        return correct.double().mean().item(), robust.double().mean().item()

    (clean, robust), seconds, processor_seconds = measured(evaluate)
    report(
        job="ensemble" + ("-denormals" if arguments.denormals else ""),
        model=arguments.model or f"p = {arguments.p:g}",
        norm=arguments.norm,
        epsilon=arguments.epsilon,
        threads=arguments.threads,
        seconds=seconds,
        processorSeconds=processor_seconds,
        samples=len(x),
        cleanAccuracy=clean,
        robustAccuracy=robust,
    )


if __name__ == "__main__":
    main()
