# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Tensors as bytes, and safetensors files written by the reference library.

The library (safetensors 0.8.0) writes through `serialize`, which takes any dtype that it knows, even one
that no array library has. `compose` writes files that the library cannot write (F6; `__metadata__` with
several entries in a chosen order; tensors in a chosen order); a test compares it with the library on
files that both can write.
"""

import json
import struct
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import safetensors

# Enum order of the library (descending when written): name -> (the library's own word, bits, NumPy type).
DTYPES = {
    "BOOL": ("bool", 8, np.bool_),
    "F4": ("float4_e2m1fn_x2", 4, None),
    "F6_E2M3": (None, 6, None),
    "F6_E3M2": (None, 6, None),
    "U8": ("uint8", 8, np.uint8),
    "I8": ("int8", 8, np.int8),
    "F8_E5M2": ("float8_e5m2", 8, ml_dtypes.float8_e5m2),
    "F8_E4M3": ("float8_e4m3fn", 8, ml_dtypes.float8_e4m3fn),
    "F8_E8M0": ("float8_e8m0fnu", 8, ml_dtypes.float8_e8m0fnu),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 8, ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 8, ml_dtypes.float8_e5m2fnuz),
    "I16": ("int16", 16, np.int16),
    "U16": ("uint16", 16, np.uint16),
    "F16": ("float16", 16, np.float16),
    "BF16": ("bfloat16", 16, ml_dtypes.bfloat16),
    "I32": ("int32", 32, np.int32),
    "U32": ("uint32", 32, np.uint32),
    "F32": ("float32", 32, np.float32),
    "C64": ("complex64", 64, np.complex64),
    "F64": ("float64", 64, np.float64),
    "I64": ("int64", 64, np.int64),
    "U64": ("uint64", 64, np.uint64),
}
RANK = {name: rank for rank, name in enumerate(DTYPES)}
NAME_OF = {np.dtype(kind): name for name, (_, _, kind) in DTYPES.items() if kind is not None}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a safetensors file; `shape` is the logical one, even for F4 and F6."""

    dtype: str
    shape: tuple
    data: bytes

    def array(self):
        """The tensor as a NumPy array (not for F4 and F6)."""
        return np.frombuffer(self.data, DTYPES[self.dtype][2]).reshape(self.shape)


def tensor(array):
    """A NumPy (or ml_dtypes) array as a Tensor."""
    array = np.ascontiguousarray(array).reshape(np.shape(array))
    return Tensor(NAME_OF[array.dtype], array.shape, array.tobytes())


def raw(dtype, shape, data):
    """Bytes (or an array of them) as a Tensor of that dtype and logical shape."""
    data = bytes(np.ascontiguousarray(data).tobytes()) if isinstance(data, np.ndarray) else bytes(data)
    assert len(data) * 8 == DTYPES[dtype][1] * int(np.prod(shape, dtype=np.int64)), (dtype, shape, len(data))
    return Tensor(dtype, tuple(int(n) for n in shape), data)


def serialize(tensors, metadata=None):
    """The bytes of the file that the reference library writes."""
    specs = {}
    for name, t in tensors.items():
        shape = list(t.shape)
        if t.dtype == "F4":  # the library takes the storage shape and doubles the last dimension
            shape[-1] //= 2
        buffer = np.frombuffer(t.data, np.uint8)
        specs[name] = safetensors.TensorSpec(
            dtype=DTYPES[t.dtype][0], shape=shape, data_ptr=buffer.ctypes.data, data_len=len(t.data)
        )
    return bytes(safetensors.serialize(specs, metadata=metadata))


def save(path, tensors, metadata=None):
    """Writes a file with the reference library."""
    with open(path, "wb") as f:
        f.write(serialize(tensors, metadata))


def compose(tensors, metadata=None, canonical=False, align=8):
    """The bytes of a hand-made file: tensors in the given order (or the library's), `metadata` an
    ordered dict, a list of pairs, or None, and the header padded to a multiple of `align` bytes."""
    items = list(tensors.items())
    if canonical:
        items.sort(key=lambda kv: (-RANK[kv[1].dtype], kv[0].encode()))
    members, at = [], 0
    dump = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if metadata is not None:
        members.append('"__metadata__":' + dump(dict(metadata)))
    for name, t in items:
        entry = {"dtype": t.dtype, "shape": list(t.shape), "data_offsets": [at, at + len(t.data)]}
        members.append(dump(name) + ":" + dump(entry))
        at += len(t.data)
    header = ("{" + ",".join(members) + "}").encode()
    header += b" " * (-len(header) % align)
    return struct.pack("<Q", len(header)) + header + b"".join(t.data for _, t in items)


def header(data):
    """(members of the header in their order, offset of the data) of a file's bytes."""
    (n,) = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + n]), 8 + n


def read(data):
    """(name -> Tensor in the order of the header, metadata or None) of a file's bytes."""
    members, start = header(data)
    metadata = members.pop("__metadata__", None)
    out = {}
    for name, m in members.items():
        begin, end = m["data_offsets"]
        out[name] = Tensor(m["dtype"], tuple(m["shape"]), bytes(data[start + begin : start + end]))
    return out, metadata
