"""The jobs that `run` times."""

from dataclasses import dataclass, field

TRAIN_FILES = ["mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"]
CIFAR_FILES = [f"cifar10/data_batch_{number}.bin.gz" for number in range(1, 6)]
# A network of the verification competition: two hidden layers of 256.
IMPORTED = "onnx/mnist-net_256x2.onnx"
MNIST_PRODUCTS = ["--dimension", "784", "--width", "500", "--batch-size", "1000"]


@dataclass
class Job:
    """One of our jobs with its peer."""

    # What `polyrelu-benchmarks` calls it.
    name: str
    # The program in `peers/`; none where nothing is compared.
    peer: str | None
    # Options that both take.
    options: list[str]
    # The variants of the peer: their names in the table, and the options each adds.
    variants: dict[str, list[str]] = field(default_factory=lambda: {"tuned": []})
    # Files below the data folder; without them the job is skipped.
    needs: list[str] = field(default_factory=list)
    # Whether the two share a folder, in which ours leaves what the peer works on.
    shares_files: bool = False
    # Whether the work is repeated within a run, `--epochs` times.
    repeats: bool = True
    # The products that the job `sgemm` measures the rate of, by default those of `sgd-epoch`; None where
    # dense products are not what the job does.
    products: list[str] | None = field(default_factory=list)
    # Whether `--samples` can make it smaller.
    takes_samples: bool = True
    # Whether the peer takes the checkout of auto_LiRPA.
    takes_auto_lirpa: bool = False
    # Our side too is a program in `peers/`, over the Python package; these options choose it there.
    own_program: list[str] | None = None
    # Results by which one sees that both did the same; what only one of them has is shown, too.
    results: list[str] = field(default_factory=lambda: ["finalLoss"])

    @property
    def title(self):
        return " ".join([self.name, *self.options])


def mnist_epoch(p):
    return Job(
        "mnist-epoch",
        "mnist_epoch.py",
        ["--p", p],
        {"tuned": [], "as shipped": ["--loader"]},
        needs=TRAIN_FILES,
        products=MNIST_PRODUCTS,
        results=["finalLoss", "trainAccuracy"],
    )


CIFAR_PRODUCTS = {
    # The second of its three layers: patches of a few images against all filters.
    "convolution": ["--dimension", "288", "--width", "64", "--batch-size", "256"],
    "dense": ["--dimension", "3072", "--width", "512", "--batch-size", "128"],
}


def cifar(name, peer, architecture, p, **others):
    # oneDNN is faster with channels last.
    tuned = ["--flush-denormal"] + ["--channels-last"] * (architecture == "convolution")
    return Job(
        name,
        peer,
        ["--architecture", architecture, "--p", p],
        {"tuned": tuned, "as shipped": []},
        needs=CIFAR_FILES,
        products=CIFAR_PRODUCTS[architecture],
        **others,
    )


def cifar_jobs():
    for architecture in CIFAR_PRODUCTS:
        for p in ["1", "3"]:
            yield cifar(
                "cifar-epoch", "cifar_epoch.py", architecture, p,
                results=["finalLoss", "trainAccuracy"],
            )
            yield cifar(
                "cifar-apgd", "cifar_apgd.py", architecture, p, shares_files=True, repeats=False,
                results=["cleanAccuracy", "robustAccuracy"],
            )


def module_jobs():
    """Attacks on PyTorch modules, ours by the Python package."""
    needs = [*TRAIN_FILES, "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"]
    common = dict(
        needs=needs, shares_files=True, repeats=False, products=None, own_program=["--program", "polyrelu"]
    )
    for model in ["cnn", "mlp"]:
        for norm, epsilon in [("linf", "0.1"), ("l2", "1.0")]:
            yield Job(
                "module-attack", "module_attack.py", ["--model", model, "--norm", norm, "--epsilon", epsilon],
                {"AutoAttack": ["--program", "autoattack"]}, results=["cleanAccuracy", "robustAccuracy"], **common,
            )
        for norm, only in [("linf", ["adv-lib-pdpgd"]), ("l2", ["foolbox-ddn", "adv-lib-ddn", "adv-lib-alma"])]:
            names = ["foolbox-fmn", "foolbox-deepfool", "adv-lib-fmn", *only]
            yield Job(
                "module-min-norm", "module_min_norm.py", ["--model", model, "--norm", norm],
                {name: ["--program", name] for name in names}, results=["medianRadius"], **common,
            )


EPOCH_VARIANTS = {"tuned": ["--flush-denormal"], "as shipped": ["--loader"]}

JOBS = [
    *(Job("sgd-epoch", "sgd_epoch.py", ["--p", p], EPOCH_VARIANTS) for p in ["1", "2.5", "3"]),
    *(
        Job(
            "training-run",
            "sgd_epoch.py",
            ["--p", p],
            {"tuned": ["--flush-denormal", "--warm-up-steps", "0", "--run-epochs", "401"]},
            results=["comparedLoss", "finalLoss", "epochsOfWork"],
        )
        for p in ["1", "3"]
    ),
    mnist_epoch("1"),
    mnist_epoch("3"),
    Job(
        "mnist-metrics",
        "mnist_metrics.py",
        ["--p", "3"],
        {"tuned": ["--tuned"], "as shipped": []},
        needs=TRAIN_FILES,
        products=MNIST_PRODUCTS,
        results=[
            "trainLoss", "trainAccuracy", "testAccuracy", "featureStableRank", "weightStableRank",
        ],
    ),
    Job(
        "apgd",
        "apgd.py",
        ["--p", "3", "--norm", "linf", "--epsilon", "0.1"],
        {"tuned": [], "as shipped": ["--denormals", "--batch-size", "10000"]},
        needs=[*TRAIN_FILES, "pretrained/mnist-digits-p3.safetensors"],
        repeats=False,
        products=MNIST_PRODUCTS,
        results=["cleanAccuracy", "robustAccuracy"],
    ),
    Job(
        "ensemble",
        "autoattack.py",
        ["--p", "3", "--norm", "linf", "--epsilon", "0.1"],
        needs=[*TRAIN_FILES, "pretrained/mnist-digits-p3.safetensors"],
        repeats=False,
        products=MNIST_PRODUCTS,
        results=["cleanAccuracy", "robustAccuracy"],
    ),
    *(
        Job(
            "ensemble",
            "autoattack.py",
            ["--model", IMPORTED, "--norm", norm, "--epsilon", epsilon, "--samples", "200"],
            needs=["mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", IMPORTED],
            repeats=False,
            products=None,
            takes_samples=False,
            results=["cleanAccuracy", "robustAccuracy", "medianRadius"],
        )
        for norm, epsilon in [("linf", "0.03"), ("linf", "0.05"), ("l2", "0.5"), ("l2", "1")]
    ),
    Job(
        "min-norm",
        "min_norm.py",
        ["--p", "3"],
        {"tuned": [], "as shipped": ["--as-shipped"]},
        needs=[*TRAIN_FILES, "pretrained/mnist-digits-p3.safetensors"],
        repeats=False,
        products=MNIST_PRODUCTS,
        results=["cleanAccuracy", "medianRadius", "meanRadius"],
    ),
    Job(
        "l2-curve",
        "l2_curve.py",
        ["--p", "3"],
        {"official": []},
        shares_files=True,
        repeats=False,
        results=[f"at {1.5 * i / 14:.3f}" for i in range(15)],
    ),
    *(
        Job(
            "linf-certify",
            "linf_certify.py",
            ["--p", p],
            {"CROWN": [], "alpha-CROWN": ["--optimized"]},
            shares_files=True,
            repeats=False,
            products=None,
            results=["medianRadius"],
        )
        for p in ["1", "3"]
    ),
    *(
        Job(
            "deep-certify",
            "deep_certify.py",
            ["--model", IMPORTED, "--norm", norm, *limits],
            {name: ["--optimized"] if name == "alpha-CROWN" else []},
            needs=["mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", IMPORTED],
            repeats=False,
            products=None,
            takes_auto_lirpa=True,
            results=["medianRadius", "processorSecondsPerSample"],
        )
        for norm, limits, name in [
            ("linf", ["--nodes", "1"], "CROWN"),
            ("linf", ["--seconds", "0.8"], "alpha-CROWN"),
            ("l2", ["--nodes", "1"], "CROWN"),
            ("l2", ["--seconds", "8"], "CROWN"),
        ]
    ),
    Job(
        "certificate",
        None,
        ["--p", "3"],
        shares_files=True,
        repeats=False,
        products=None,
        results=["medianRadius", "medianGap", "secondsPerSample"],
    ),
    *(
        Job(
            "distance",
            "distance.py",
            ["--p", p],
            {"tuned": [], "as shipped": ["--as-shipped"]},
            shares_files=True,
            repeats=False,
            products=None,
            results=["distance", "bestDistance"],
        )
        for p in ["1", "3"]
    ),
    Job(
        "gradient-flow",
        "gradient_flow.py",
        ["--p", "3"],
        {"tuned": [], "as shipped": ["--as-shipped"]},
        shares_files=True,
        products=None,
        results=["finalLoss", "evaluations"],
    ),
    *cifar_jobs(),
    Job("start-up", "start_up.py", [], products=None, results=[], takes_samples=False),
    Job(
        "load-mnist",
        "load_mnist.py",
        [],
        needs=TRAIN_FILES,
        products=None,
        results=["meanPixel", "meanLabel"],
        takes_samples=False,
    ),
    *module_jobs(),
]
