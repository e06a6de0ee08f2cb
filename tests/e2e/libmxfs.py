# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""libmxfs.so through ctypes: every function of mxfs.h, with its types."""

import ctypes

NO_TENSOR = ctypes.c_size_t(-1).value
ERROR_SIZE = 1024
Handle = Reader = ctypes.c_void_p
Log = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class Sized(ctypes.Structure):
    """A struct whose first field is its size."""

    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class OpenOptions(Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("cache_size", ctypes.c_uint64), ("only", ctypes.c_char_p), ("scheme", ctypes.c_char_p),
                ("kernel", ctypes.c_char_p), ("type", ctypes.c_int), ("raw", ctypes.c_int), ("partial", ctypes.c_int)]  # fmt: skip


class Description(Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_void_p), ("name_len", ctypes.c_size_t), ("dtype", ctypes.c_char_p),
                ("scheme", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_uint64)), ("rank", ctypes.c_size_t),
                ("size", ctypes.c_uint64), ("file", ctypes.c_size_t), ("offset", ctypes.c_uint64)]  # fmt: skip


class FileDescription(Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("size", ctypes.c_uint64),
                ("first_tensor", ctypes.c_size_t), ("tensor_count", ctypes.c_size_t)]  # fmt: skip


READ = [Reader, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64]
WHY = [ctypes.c_char_p, ctypes.c_size_t]
FUNCTIONS = {
    "mxfs_set_log": (None, [Log, ctypes.c_void_p]),
    "mxfs_open": (ctypes.c_int, [ctypes.POINTER(Handle), ctypes.c_char_p, ctypes.c_char_p, *WHY]),
    "mxfs_open_with": (ctypes.c_int, [ctypes.POINTER(Handle), ctypes.c_char_p, ctypes.POINTER(OpenOptions), *WHY]),
    "mxfs_close": (None, [Handle]),
    "mxfs_tensor_count": (ctypes.c_size_t, [Handle]),
    "mxfs_describe": (None, [Handle, ctypes.c_size_t, ctypes.POINTER(Description)]),
    "mxfs_find": (ctypes.c_size_t, [Handle, ctypes.c_char_p, ctypes.c_size_t]),
    "mxfs_file_count": (ctypes.c_size_t, [Handle]),
    "mxfs_describe_file": (None, [Handle, ctypes.c_size_t, ctypes.POINTER(FileDescription)]),
    "mxfs_reader_new": (Reader, [Handle]),
    "mxfs_reader_free": (None, [Reader]),
    "mxfs_read_tensor": (ctypes.c_ssize_t, READ),
    "mxfs_read_file": (ctypes.c_ssize_t, READ),
    "mxfs_version": (ctypes.c_char_p, []),
}


def load(path):
    """Loads the library and declares its functions."""
    out = ctypes.CDLL(str(path))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(out, name)
        function.restype, function.argtypes = result, arguments
    return out


def open_source(lib, path, options=None):
    """(status, reason, handle); `options` is a list as bytes, an OpenOptions, or None."""
    handle, why = Handle(1), ctypes.create_string_buffer(ERROR_SIZE)
    typed = isinstance(options, OpenOptions)
    function = lib.mxfs_open_with if typed else lib.mxfs_open
    status = function(ctypes.byref(handle), bytes(path), ctypes.byref(options) if typed else options, why, len(why))
    assert bool(handle) == (status == 0)
    return status, why.value, handle
