"""Builds the shared library with the Swift toolchain and puts it into the package."""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent.parent


class BuildLibrary(build_py):
    """build_py with libpolyreluc.so and the data that come with it in polyrelu/_native."""

    def run(self):
        super().run()
        chosen = os.environ.get("POLYRELU_LIBRARY")
        if chosen:
            products = Path(chosen).resolve().parent
        else:
            if not (ROOT / "Package.swift").exists() or shutil.which("swift") is None:
                raise SystemExit(
                    "polyrelu is built from a checkout with the Swift toolchain (swift 6.2 or later on the PATH)"
                )
            build = ["swift", "build", "-c", "release", "--product", "polyreluc"]
            subprocess.run(build, cwd=ROOT, check=True)
            shown = subprocess.run([*build[:4], "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True)
            products = Path(shown.stdout.strip())
        target = Path(self.build_lib) / "polyrelu" / "_native"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(products / "libpolyreluc.so", target)
        for resources in products.glob("PolyReLU_*.resources"):
            shutil.copytree(resources, target / resources.name, dirs_exist_ok=True)


class WithLibrary(Distribution):
    """A package that is made for one kind of machine."""

    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """A wheel for every version of Python 3: the library is loaded by ctypes."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_py": BuildLibrary, "bdist_wheel": AnyPython}, distclass=WithLibrary)
