/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Outputs as NumPy files.
 *
 * Source: numpy/lib/_format_impl.py (format versions 1.0 and 2.0): magic, version, header length, a
 * Python dictionary, spaces so that the data is 64-byte aligned, a newline. numpy.save also leaves
 * room for the first dimension to grow to 21 digits.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "mxfs/bytes.h"

enum {
    ALIGNMENT = 64,
    GROWTH_DIGITS = 21,
};

/* How NumPy names an element type, and how many bytes of the tensor one NumPy element comes from.
 */
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

/* Bytes of the NumPy file that come before the data, without writing them: lengths only. */
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

/*
 * Writes the header to `out` (or only measures it, with out NULL). Returns its size, a multiple
 * of 64. `room` bounds the dictionary text, which is short but for its shape.
 */
static size_t write_header(char *out, size_t room, const struct mxfs_output_info *o,
                           const char *descr)
{
    size_t n = 0, prefix = 10;
    size_t dict =
        (size_t)snprintf(NULL, 0, "{'descr': '%s', 'fortran_order': False, 'shape': , }", descr) +
        shape_text(NULL, 0, o);
    size_t growth = o->rank ? GROWTH_DIGITS - digits_of(o->shape[0]) : 0;
    size_t text = dict + growth + 1; /* with the newline */
    /* At least one byte of padding, as NumPy computes it: a full line where none is needed. */
    size_t total = mxfs_align_up(prefix + text + 1, ALIGNMENT);
    if (total - prefix > UINT16_MAX) {
        prefix = 12;
        total = mxfs_align_up(prefix + text + 1, ALIGNMENT);
    }

    if (!out)
        return total;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = prefix == 10 ? 1 : 2;
    out[7] = 0;
    uint8_t length[8];
    mxfs_store_le64(length, total - prefix);
    memcpy(out + 8, length, prefix - 8);
    n = prefix;
    n += (size_t)snprintf(out + n, room - n,
                          "{'descr': '%s', 'fortran_order': False, 'shape': ", descr);
    n += shape_text(out + n, room - n, o);
    n += (size_t)snprintf(out + n, room - n, ", }");
    memset(out + n, ' ', total - n);
    out[total - 1] = '\n';
    return total;
}

uint64_t mxfs_vfile_npy_size(const struct mxfs_output *output)
{
    struct mxfs_output_info o = mxfs_output_info(output);
    struct npy_type type = type_of(o.dtype);

    if (!type.descr)
        return 0;
    return write_header(NULL, 0, &o, type.descr) +
           (type.widened ? o.size / type.widened * type.size : o.size);
}

/* An FP8 variant of AMD (bias one higher, 0x80 is NaN, no -0), which the kernels have no table for.
 */
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

/* Widens n elements that lie at the end of dst's 4 * n bytes, in place from the front. */
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

/* Float32 elements [first, first + n) of a widened output, into dst. */
static int read_widened(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        const struct mxfs_plan *plan, const struct mxfs_output *output,
                        uint8_t dtype, uint8_t *dst, uint64_t first, size_t n)
{
    size_t size = type_of(dtype).widened;
    ssize_t got = mxfs_vfile_read_output(env, scratch, plan, output, dst + (4 - size) * n, size * n,
                                         size * first);
    if (got < 0)
        return (int)got;
    widen(&env->codec, dtype, dst, n);
    return 0;
}

/* Bytes [offset, offset + len) of the float32 data; ends need not be whole elements. */
static int read_widened_bytes(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                              const struct mxfs_plan *plan, const struct mxfs_output *output,
                              uint8_t dtype, uint8_t *dst, size_t len, uint64_t offset)
{
    uint8_t element[4];
    int rc = 0;

    while (len > 0 && rc == 0) {
        size_t skip = offset % 4, n = len / 4 * 4;
        if (skip != 0 || n == 0) {
            n = mxfs_min_u64(4 - skip, len);
            rc = read_widened(env, scratch, plan, output, dtype, element, offset / 4, 1);
            memcpy(dst, element + skip, n);
        } else {
            rc = read_widened(env, scratch, plan, output, dtype, dst, offset / 4, n / 4);
        }
        dst += n;
        offset += n;
        len -= n;
    }
    return rc;
}

static int copy_header(const struct mxfs_output_info *o, const char *descr, size_t header_size,
                       uint8_t *dst, size_t len, size_t offset)
{
    char *header = malloc(header_size + 1);
    if (!header)
        return -ENOMEM;
    write_header(header, header_size + 1, o, descr);
    memcpy(dst, header + offset, len);
    free(header);
    return 0;
}

ssize_t mxfs_vfile_read_npy(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                            const struct mxfs_plan *plan, const struct mxfs_output *output,
                            void *buf, size_t len, uint64_t offset)
{
    struct mxfs_output_info o = mxfs_output_info(output);
    struct npy_type type = type_of(o.dtype);
    size_t header = type.descr ? write_header(NULL, 0, &o, type.descr) : 0;
    uint64_t size = mxfs_vfile_npy_size(output);
    uint8_t *at = buf;
    size_t in_header = 0;

    if (offset >= size)
        return 0;
    len = mxfs_min_u64(len, size - offset);
    if (offset < header) {
        in_header = mxfs_min_u64(len, header - offset);
        int rc = copy_header(&o, type.descr, header, at, in_header, offset);
        if (rc != 0)
            return rc;
    }
    at += in_header;
    offset = offset + in_header - header;
    if (type.widened) {
        int rc =
            read_widened_bytes(env, scratch, plan, output, o.dtype, at, len - in_header, offset);
        return rc == 0 ? (ssize_t)len : rc;
    }
    ssize_t got = mxfs_vfile_read_output(env, scratch, plan, output, at, len - in_header, offset);
    return got < 0 ? got : (ssize_t)len;
}
