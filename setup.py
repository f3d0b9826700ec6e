"""Builds the decode kernel where that is possible; everything else is in pyproject.toml.

Without Cython nothing is built; without a C compiler (or Python's headers) the failure is a warning.
Either way ``records/_decode.py`` itself runs in the kernel's place.
"""

from __future__ import annotations

from setuptools import Extension, setup

KERNEL = "src/anabranch/records/_decode.py"


def kernel() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    name = "anabranch.records._decode"
    extensions = cythonize([Extension(name, [KERNEL], extra_compile_args=["-O3"])])
    for extension in extensions:
        extension.optional = True  # cythonize() makes new ones and forgets this
    return extensions


setup(ext_modules=kernel())
