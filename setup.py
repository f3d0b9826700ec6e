"""Builds the optional compiled decode kernel; everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

KERNEL = "src/anabranch/records/_decode.py"


def kernel() -> list[Extension]:
    if not Path(KERNEL).exists():
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    extension = Extension("anabranch.records._decode", [KERNEL], optional=True, extra_compile_args=["-O3"])
    return cythonize([extension], language_level=3)


setup(ext_modules=kernel())
