"""Builds the kernels where that is possible; everything else is in pyproject.toml.

Without Cython nothing is built; without a C compiler (or Python's headers) the failure is a warning.
Either way the kernels' own Python files run in their place.
"""

from __future__ import annotations

from setuptools import Extension, setup

RECORDS = "src/anabranch/records"
KERNELS = ("_compact", "_decode", "_scan")


def kernels() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    extensions = cythonize(
        [
            Extension(
                f"anabranch.records.{name}",
                [f"{RECORDS}/{name}.py"],
                include_dirs=[RECORDS],
                extra_compile_args=["-O3"],
            )
            for name in KERNELS
        ]
    )
    for extension in extensions:
        extension.optional = True  # cythonize() makes new ones and forgets this
    return extensions


setup(ext_modules=kernels())
