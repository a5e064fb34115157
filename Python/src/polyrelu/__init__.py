"""PolyReLU from Python: robustness of classifiers, attacked and proved, and networks of polynomial ReLU neurons."""

from . import datasets, theory
from ._library import ComputationError, InputError, PolyReLUError, set_threads, version
from .certification import CertificationResult, certify, verify_certificates
from .robustness import RobustnessResult, attack

__version__ = version()

__all__ = [
    "CertificationResult",
    "ComputationError",
    "InputError",
    "PolyReLUError",
    "RobustnessResult",
    "attack",
    "certify",
    "datasets",
    "set_threads",
    "theory",
    "verify_certificates",
]
