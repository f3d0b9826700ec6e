"""A drill's own copy of a stream's sink, one file per kind: it is filled, damaged, put back and compared there."""
