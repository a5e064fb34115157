"""What the scripts share: building, measuring, and storing what was measured."""

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def build():
    """Build in release mode, the program `polyrelu` beside it; the path of the executable."""
    command = ["swift", "build", "--package-path", str(HERE.parent), "-c", "release"]
    for product in ["polyrelu", "polyrelu-benchmarks"]:
        subprocess.run([*command, "--product", product], check=True, stdout=sys.stderr)
    folder = subprocess.run(
        [*command, "--show-bin-path"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return str(Path(folder) / "polyrelu-benchmarks")


def measure(command, threads):
    """Run a program that prints one JSON document; the document."""
    # MKL and OpenMP read these before the program can ask for a number of threads.
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **limits}
    )
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def median_of(runs, key):
    return statistics.median(run[key] for run in runs)


def write_json(path, content):
    """Store a document with what is known about the machine; it appears by rename."""
    document = {
        "machine": platform.machine(),
        "processor": processor(),
        "system": platform.system(),
        # Which kernels OpenBLAS was told to take; nothing where it chose by itself.
        "openBLASCore": os.environ.get("OPENBLAS_CORETYPE"),
        **content,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / f".{path.name}.partial"
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(path)


def processor():
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
