"""The C interface, from C."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from polyrelu import _library


def test_a_c_program(tmp_path):
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")
    tests = Path(__file__).parent
    header = tests.parent.parent / "Sources" / "CPolyReLU"
    library = Path(_library._path()).resolve()
    program = tmp_path / "program"
    subprocess.run(
        [
            compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", header, tests / "program.c", library,
            f"-Wl,-rpath,{library.parent}", "-lm", "-pthread", "-o", program,
        ],
        check=True,
    )
    result = subprocess.run([program], capture_output=True, text=True, timeout=60, env=os.environ)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "attack, cancellation, network, certificates, training: done\n"


def test_every_function_of_the_header_is_there():
    import re

    header = Path(__file__).parent.parent.parent / "Sources" / "CPolyReLU" / "polyrelu.h"
    if not header.exists():
        pytest.skip("the header is not beside these tests")
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    names = set(re.findall(r"\bpolyrelu_(\w+)\(", text))
    assert len(names) > 30
    assert all(hasattr(_library.library, f"polyrelu_{name}") for name in names)
    assert set(_library._FUNCTIONS) <= names
