/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Outputs as NumPy files.
 *
 * Source: numpy/lib/_format_impl.py (format version 1.0): magic, version, header length, a Python
 * dictionary, spaces so that the data is 64-byte aligned, a newline. numpy.save also leaves
 * room for the first dimension to grow to 21 digits.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/vfile.h"

enum {
    ALIGNMENT = 64,     /* of the data: numpy's ARRAY_ALIGN */
    RANK_MAX = 64,      /* dimensions of an array: NumPy 2's NPY_MAXDIMS; so version 1.0 will do */
    PREFIX = 10,        /* magic, version and header length */
    GROWTH_DIGITS = 21, /* of the first dimension: numpy's GROWTH_AXIS_MAX_DIGITS */
};

/* How NumPy names and stores an element type. */
struct npy_type {
    const char *descr; /* NULL: NumPy has no such type */
    uint8_t size;      /* bytes of an element in the NumPy file */
    uint8_t widened;   /* bytes of an element in the tensor, when widened to float32; else 0 */
};

static struct npy_type type_of(uint8_t dtype)
{
    static const struct npy_type types[MXFS_DTYPE_COUNT] = {
        [MXFS_BOOL] = {"|b1", 1, 0},        [MXFS_U8] = {"|u1", 1, 0},
        [MXFS_I8] = {"|i1", 1, 0},          [MXFS_F8_E5M2] = {"<f4", 4, 1},
        [MXFS_F8_E4M3] = {"<f4", 4, 1},     [MXFS_F8_E8M0] = {"<f4", 4, 1},
        [MXFS_F8_E4M3FNUZ] = {"<f4", 4, 1}, [MXFS_F8_E5M2FNUZ] = {"<f4", 4, 1},
        [MXFS_I16] = {"<i2", 2, 0},         [MXFS_U16] = {"<u2", 2, 0},
        [MXFS_F16] = {"<f2", 2, 0},         [MXFS_BF16] = {"<f4", 4, 2},
        [MXFS_I32] = {"<i4", 4, 0},         [MXFS_U32] = {"<u4", 4, 0},
        [MXFS_F32] = {"<f4", 4, 0},         [MXFS_C64] = {"<c8", 8, 0},
        [MXFS_F64] = {"<f8", 8, 0},         [MXFS_I64] = {"<i8", 8, 0},
        [MXFS_U64] = {"<u8", 8, 0},
    };
    return types[dtype];
}

/* Writes the shape as a Python tuple, or only measures it (`out` is NULL). Returns its length. */
static size_t shape_text(char *out, size_t size, const struct mxfs_output_info *o)
{
    size_t n = 0;
#define PUT(...) n += (size_t)snprintf(out ? out + n : NULL, out ? size - n : 0, __VA_ARGS__)
    PUT("(");
    for (uint32_t i = 0; i < o->rank; i++)
        PUT("%s%" PRIu64, i ? ", " : "", o->shape[i]);
    PUT(o->rank == 1 ? ",)" : ")");
    return n;
}

static size_t digits_of(uint64_t v)
{
    return (size_t)snprintf(NULL, 0, "%" PRIu64, v);
}

/* Bytes of the header: prefix, dictionary, padding and newline, a multiple of 64. */
static size_t header_size(const struct mxfs_output_info *o, const char *descr)
{
    size_t dict =
        (size_t)snprintf(NULL, 0, "{'descr': '%s', 'fortran_order': False, 'shape': , }", descr) +
        shape_text(NULL, 0, o);
    size_t growth = o->rank ? GROWTH_DIGITS - digits_of(o->shape[0]) : 0;

    /* At least one byte of padding: NumPy adds a line where none is needed. */
    return mxfs_align_up(PREFIX + dict + growth + 1 + 1, ALIGNMENT);
}

/* Writes the header. `out` has room for a byte more, the NUL of the last snprintf(). */
static void write_header(char *out, size_t size, const struct mxfs_output_info *o,
                         const char *descr)
{
    size_t room = size + 1, n = PREFIX;
    uint8_t length[8];

    memcpy(out, "\x93NUMPY\1\0", 8);
    mxfs_store_le64(length, size - PREFIX);
    memcpy(out + 8, length, PREFIX - 8);
    n += (size_t)snprintf(out + n, room - n,
                          "{'descr': '%s', 'fortran_order': False, 'shape': ", descr);
    n += shape_text(out + n, room - n, o);
    n += (size_t)snprintf(out + n, room - n, ", }");
    memset(out + n, ' ', size - n);
    out[size - 1] = '\n';
}

uint64_t mxfs_vfile_npy_size(const struct mxfs_output *output)
{
    struct mxfs_output_info o = mxfs_output_info(output);
    struct npy_type type = type_of(o.dtype);

    if (!type.descr || o.rank > RANK_MAX)
        return 0;
    return header_size(&o, type.descr) +
           (type.widened ? o.size / type.widened * type.size : o.size);
}

/* AMD's FP8 types (bias higher by one, 0x80 is NaN, no -0), for which the kernels have no table. */
static float fnuz_value(uint8_t code, int mantissa_bits, int bias)
{
    int e = (code & 0x7f) >> mantissa_bits, m = code & ((1 << mantissa_bits) - 1);
    int significand = e ? (1 << mantissa_bits) + m : m;
    float v = ldexpf((float)significand, (e ? e : 1) - bias - mantissa_bits);

    if (code == 0x80)
        return NAN;
    return code & 0x80 ? -v : v;
}

static float byte_value(const struct mxfs_tables *tables, uint8_t dtype, uint8_t code)
{
    switch (dtype) {
    case MXFS_F8_E4M3:
        return tables->fp8[MXFS_FP8_E4M3][code];
    case MXFS_F8_E5M2:
        return tables->fp8[MXFS_FP8_E5M2][code];
    case MXFS_F8_E4M3FNUZ:
        return fnuz_value(code, 3, 8);
    case MXFS_F8_E5M2FNUZ:
        return fnuz_value(code, 2, 16);
    default: /* MXFS_F8_E8M0 */
        return mxfs_e8m0_value(code);
    }
}

/* Widens n elements, which are the last bytes of dst's 4 * n bytes, in place from the front. */
static void widen(const struct mxfs_codec *codec, uint8_t dtype, uint8_t *dst, size_t n)
{
    if (dtype == MXFS_BF16) {
        codec->kernel->widen_bf16(dst, &(struct mxfs_widen_bf16){dst + 2 * n, n});
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float v = byte_value(codec->tables, dtype, dst[3 * n + i]);
        memcpy(dst + 4 * i, &v, 4);
    }
}

/* A read of one output as a NumPy file. */
struct npy_read {
    struct mxfs_vfile_reader *reader;
    const struct mxfs_plan *plan;
    const struct mxfs_output *output;
    struct mxfs_output_info info; /* describes the output */
    struct npy_type type;         /* element type of the NumPy file */
    size_t header;                /* bytes */
};

/* Reads float32 elements [first, first + n) of a widened output. */
static int read_widened(const struct npy_read *read, uint8_t *dst, size_t n, uint64_t first)
{
    size_t size = read->type.widened;
    ssize_t got = mxfs_vfile_read_output(read->reader, read->plan, read->output,
                                         dst + (4 - size) * n, size * n, size * first);
    if (got < 0)
        return (int)got;
    widen(&read->reader->env->codec, read->info.dtype, dst, n);
    return 0;
}

/* Reads bytes [offset, offset + len) of the float32 data; ends need not be whole elements. */
static int read_widened_bytes(const struct npy_read *read, uint8_t *dst, size_t len,
                              uint64_t offset)
{
    uint8_t element[4];
    int rc = 0;

    for (size_t n; len > 0 && rc == 0; dst += n, offset += n, len -= n) {
        size_t skip = offset % 4;
        n = len / 4 * 4;
        if (skip == 0 && n > 0) {
            rc = read_widened(read, dst, n / 4, offset / 4);
            continue;
        }
        n = mxfs_min_u64(4 - skip, len);
        rc = read_widened(read, element, 1, offset / 4);
        memcpy(dst, element + skip, n);
    }
    return rc;
}

static int read_data(const struct npy_read *read, uint8_t *dst, size_t len, uint64_t offset)
{
    if (read->type.widened)
        return read_widened_bytes(read, dst, len, offset);
    ssize_t got = mxfs_vfile_read_output(read->reader, read->plan, read->output, dst, len, offset);
    return got < 0 ? (int)got : 0;
}

static int read_header(const struct npy_read *read, uint8_t *dst, size_t len, size_t offset)
{
    char *header = malloc(read->header + 1);

    if (!header)
        return -ENOMEM;
    write_header(header, read->header, &read->info, read->type.descr);
    memcpy(dst, header + offset, len);
    free(header);
    return 0;
}

ssize_t mxfs_vfile_read_npy(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                            const struct mxfs_output *output, void *buf, size_t len,
                            uint64_t offset)
{
    struct npy_read read = {reader, plan, output, .info = mxfs_output_info(output)};
    uint64_t size = mxfs_vfile_npy_size(output);
    size_t in_header = 0;
    int rc = 0;

    if (offset >= size)
        return 0;
    len = mxfs_min_u64(len, size - offset);
    read.type = type_of(read.info.dtype);
    read.header = header_size(&read.info, read.type.descr);
    if (offset < read.header) {
        in_header = mxfs_min_u64(len, read.header - offset);
        rc = read_header(&read, buf, in_header, offset);
    }
    if (rc == 0 && in_header < len)
        rc = read_data(&read, (uint8_t *)buf + in_header, len - in_header,
                       offset + in_header - read.header);
    return rc == 0 ? (ssize_t)len : rc;
}
