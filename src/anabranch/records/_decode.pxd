# C types of the decode kernel. Cython reads them when it compiles _decode.py; Python never does.
# What is a pointer here is a memoryview there: both are indexed, and _copy and _put hide the rest.

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

ctypedef const uint8_t* source_t
ctypedef uint8_t* target_t
ctypedef int32_t* int32_p
ctypedef int64_t* int64_p

cdef int64_t _INT64_MAX
cdef int64_t _INT64_MIN

@cython.locals(raw=uint64_t, byte=uint64_t, shift=int)
cdef Py_ssize_t _varint(source_t source, Py_ssize_t pos, Py_ssize_t stop, int64_p cell) noexcept nogil

cdef Py_ssize_t _skip(Py_ssize_t pos, int64_t size, Py_ssize_t stop) noexcept nogil

cdef void _copy(
    target_t target, Py_ssize_t at, source_t source, Py_ssize_t start, Py_ssize_t size
) noexcept nogil

cdef void _put64(target_t target, Py_ssize_t at, int64_t value) noexcept nogil

cdef void _put(
    target_t target, Py_ssize_t at, Py_ssize_t index, bint wide, int64_t value
) noexcept nogil

cdef void _set_bit(target_t target, Py_ssize_t at, Py_ssize_t index) noexcept nogil

@cython.locals(value=uint64_t, index=Py_ssize_t)
cdef int64_t _int64(source_t source, Py_ssize_t at) noexcept nogil

cdef int32_t _int32(source_t source, Py_ssize_t at) noexcept nogil

@cython.locals(
    source=source_t, limit=Py_ssize_t, capacity=Py_ssize_t, found=Py_ssize_t, size=int64_t,
    attributes=int, base_offset=int64_t, deltas=int64_t, count=int64_t, row=Py_ssize_t,
    taken=int64_t,
)
cpdef tuple walk(
    const uint8_t[::1] blob, Py_ssize_t pos, Py_ssize_t budget, int64_t low, int64_t high,
    int64_t[::1] rows,
)

@cython.locals(
    number=int64_t, cell=int64_p, blob_at=source_t, inflated_at=source_t, source=source_t,
    target=target_t, filling=bint, row=Py_ssize_t, batches=Py_ssize_t, batch=Py_ssize_t, index=int64_t,
    count=int64_t, _=int64_t, pos=Py_ssize_t, end=Py_ssize_t, stop=Py_ssize_t,
    base_offset=int64_t, last_delta_max=int64_t, base_time=int64_t, one_time=bint,
    last_delta=int64_t, delta=int64_t, time=int64_t, time_delta=int64_t, offset=int64_t,
    key=int64_t, key_at=Py_ssize_t, value=int64_t, value_at=Py_ssize_t, header_count=int64_t,
    name=int64_t, name_at=Py_ssize_t, content=int64_t, content_at=Py_ssize_t, wanted=bint,
    rows=int64_t, key_bytes=int64_t, key_nulls=int64_t, value_bytes=int64_t, value_nulls=int64_t,
    headers=int64_t, name_bytes=int64_t, content_bytes=int64_t, content_nulls=int64_t,
    failed_batch=int64_t, failed_record=int64_t,
    offsets_at=Py_ssize_t, times_at=Py_ssize_t,
    key_bits_at=Py_ssize_t, key_ends_at=Py_ssize_t, key_data_at=Py_ssize_t,
    value_bits_at=Py_ssize_t, value_ends_at=Py_ssize_t, value_data_at=Py_ssize_t,
    list_ends_at=Py_ssize_t, name_ends_at=Py_ssize_t, name_data_at=Py_ssize_t,
    content_bits_at=Py_ssize_t, content_ends_at=Py_ssize_t, content_data_at=Py_ssize_t,
)
cpdef tuple decode(
    const uint8_t[::1] blob, const uint8_t[::1] inflated, const int64_t[::1] plan,
    int64_t low, int64_t high, const int64_t[::1] before,
    uint8_t[::1] out, const int64_t[::1] layout, bint wide,
)
