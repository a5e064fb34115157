"""PolyReLU from Python: robustness of classifiers, attacked and proved, and networks of polynomial ReLU neurons."""

from . import datasets, theory
from ._library import ComputationError, InputError, PolyReLUError, set_threads, version
from .certification import CertificationResult, certify, verify_certificates
from .experiments import Run, load_run, run_experiment
from .robustness import RobustnessResult, attack
from .training import Alignment, FlowResult, Network, alignment, flow

__version__ = version()

__all__ = [
    "Alignment",
    "CertificationResult",
    "ComputationError",
    "FlowResult",
    "InputError",
    "Network",
    "PReLUClassifier",
    "PolyReLUError",
    "RobustnessResult",
    "Run",
    "alignment",
    "attack",
    "certify",
    "datasets",
    "flow",
    "load_run",
    "run_experiment",
    "set_threads",
    "theory",
    "verify_certificates",
]


def __getattr__(name: str) -> object:
    # scikit-learn is optional, and takes longer to import than all of this.
    if name == "PReLUClassifier":
        from .classifier import PReLUClassifier

        return PReLUClassifier
    raise AttributeError(f"module 'polyrelu' has no attribute '{name}'")
