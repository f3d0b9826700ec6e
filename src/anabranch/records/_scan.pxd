# C types of the scan kernel. Cython reads them when it compiles _scan.py; Python never does.

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "crc32c.h":
    void anabranch_crc32c_start()
    uint32_t anabranch_crc32c(uint32_t crc, const uint8_t* data, size_t size) noexcept nogil

ctypedef const uint8_t* source_t
ctypedef uint8_t* target_t

cdef int64_t _INT64_MAX

@cython.locals(value=uint64_t, index=Py_ssize_t)
cdef int64_t _int64(source_t source, Py_ssize_t at) noexcept nogil

@cython.locals(value=uint32_t, index=Py_ssize_t)
cdef uint32_t _uint32(source_t source, Py_ssize_t at) noexcept nogil

cdef int32_t _int32(source_t source, Py_ssize_t at) noexcept nogil

@cython.locals(index=Py_ssize_t)
cdef void _put64(target_t target, Py_ssize_t at, int64_t value) noexcept nogil

@cython.locals(index=Py_ssize_t)
cdef void _put32(target_t target, Py_ssize_t at, int32_t value) noexcept nogil

@cython.locals(found=uint32_t)
cdef uint32_t _crc(source_t source, Py_ssize_t start, Py_ssize_t end) noexcept nogil

@cython.locals(
    source=source_t, start=Py_ssize_t, end=Py_ssize_t, size=int64_t, damage=int, room=int64_t,
    at=int64_t, deltas=int64_t, count=int64_t, low=int64_t, dense=int64_t,
)
cpdef tuple cut(
    const uint8_t[::1] blob, Py_ssize_t pos, Py_ssize_t stop, int64_t offset, int64_t first_max,
    int64_t bytes_max, int64_t base, bint verify,
)

@cython.locals(target=target_t, pos=Py_ssize_t, stop=Py_ssize_t)
cpdef int64_t place(uint8_t[::1] blob, int64_t base, int32_t epoch)
