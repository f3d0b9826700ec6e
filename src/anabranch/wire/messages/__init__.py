# Generated from wire/schema by `python -m anabranch.wire.generate`; do not edit.
"""Generated message classes, one module per API, imported when needed."""
