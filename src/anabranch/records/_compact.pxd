# C types of the compaction kernel. Cython reads them when it compiles _compact.py; Python never does.

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from "blake2b.h":
    void anabranch_blake2b_16(const uint8_t* data, size_t size, int64_t* halves) noexcept nogil

ctypedef const uint8_t* source_t
ctypedef uint8_t* target_t
ctypedef int64_t* int64_p
ctypedef uint64_t* uint64_p

cdef int64_t _INT32_MAX
cdef int64_t _INT64_MAX
cdef int64_t _INT64_MIN

@cython.locals(low=uint64_t, high=uint64_t, at=uint64_t)
cdef uint64_t _find(
    uint64_p lows, uint64_p highs, int64_p offsets, uint64_t mask, int64_p cell
) noexcept nogil

cdef void _hash(source_t source, Py_ssize_t at, Py_ssize_t size, int64_p cell) noexcept nogil

cdef uint64_t _word(int64_t value) noexcept nogil

@cython.locals(size=int64_t, key=int64_t, stop=Py_ssize_t, rest=Py_ssize_t)
cdef Py_ssize_t _record(source_t source, Py_ssize_t pos, Py_ssize_t end, int64_p cell) noexcept nogil

@cython.locals(raw=uint64_t, shift=int, byte=uint64_t)
cdef Py_ssize_t _varint(source_t source, Py_ssize_t pos, Py_ssize_t stop, int64_p cell) noexcept nogil

@cython.locals(raw=uint64_t)
cdef Py_ssize_t _put_varint(target_t target, Py_ssize_t at, int64_t value) noexcept nogil

@cython.locals(raw=uint64_t, width=Py_ssize_t)
cdef Py_ssize_t _width(int64_t value) noexcept nogil

cdef uint64_t _zigzag(int64_t value) noexcept nogil

cdef void _copy(
    target_t target, Py_ssize_t at, source_t source, Py_ssize_t start, Py_ssize_t size
) noexcept nogil

@cython.locals(
    end=Py_ssize_t, mask=uint64_t, added=int64_t, state=int, source=source_t, low_at=uint64_p,
    high_at=uint64_p, offset_at=int64_p, cell=int64_p, stop=Py_ssize_t, offset=int64_t, at=uint64_t,
)
cpdef tuple fill(
    const uint8_t[::1] body, Py_ssize_t pos, int64_t index, int64_t count, int64_t base, int64_t start,
    uint64_t[::1] lows, uint64_t[::1] highs, int64_t[::1] offsets, int64_t room, int64_t[::1] cells,
)

@cython.locals(
    limit=Py_ssize_t, mask=uint64_t, pos=Py_ssize_t, kept=int64_t, markers=int64_t, found=int64_t,
    state=int, latest=int64_t, source=source_t, low_at=uint64_p, high_at=uint64_p, offset_at=int64_p,
    run=int64_p, cell=int64_p, _=int64_t, stop=Py_ssize_t, offset=int64_t, stays=bint, newest=int64_t,
)
cpdef tuple judge(
    const uint8_t[::1] body, int64_t count, int64_t base, int64_t end, uint64_t[::1] lows,
    uint64_t[::1] highs, int64_t[::1] offsets, bint drop_markers, int64_t[::1] runs, int64_t[::1] cells,
)

@cython.locals(
    size=Py_ssize_t, source=source_t, run=int64_p, target=target_t, cell=int64_p, number=int64_t,
    pos=Py_ssize_t, end=Py_ssize_t, stop=Py_ssize_t, delta=int64_t, rest=Py_ssize_t,
)
cpdef Py_ssize_t copy(
    const uint8_t[::1] body, int64_t[::1] runs, int64_t found, int64_t moved, uint8_t[::1] out,
    int64_t[::1] cells,
)

@cython.locals(
    mask=uint64_t, slots=int64_t, low_at=uint64_p, high_at=uint64_p, offset_at=int64_p,
    old_low=uint64_p, old_high=uint64_p, old_offset=int64_p, slot=int64_t, at=uint64_t,
)
cpdef void rehash(
    uint64_t[::1] lows, uint64_t[::1] highs, int64_t[::1] offsets, uint64_t[::1] new_lows,
    uint64_t[::1] new_highs, int64_t[::1] new_offsets,
)

@cython.locals(
    source=source_t, low_at=uint64_p, high_at=uint64_p, offset_at=int64_p, cell=int64_p,
    mask=uint64_t, found=int64_t,
)
cpdef int64_t newest(
    const uint8_t[::1] key, Py_ssize_t size, uint64_t[::1] lows, uint64_t[::1] highs,
    int64_t[::1] offsets, int64_t[::1] cells,
)
