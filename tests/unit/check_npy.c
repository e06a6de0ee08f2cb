/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Outputs as NumPy files (part of vfile): headers as numpy.save of NumPy 2 writes them, widened
 * values from a second definition, and any range of a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/vfile.h"
#include "support/oracle.h"
#include "support/spec.h"
#include "support/view.h"

/* Reads a header, which needs neither plan nor source. */

static size_t read_header(const struct mxfs_output *o, char *buf, size_t room)
{
    ssize_t got = mxfs_vfile_read_npy(NULL, NULL, o, buf, room, 0);
    ck_assert_int_ge(got, 0);
    return (size_t)got;
}

/* Expects `dict` padded with spaces to `size`, as version 1.0. The data is left out by its size. */
static void check_header(const uint64_t *shape, uint32_t rank, size_t size, const char *dict)
{
    const struct mxfs_tensor t = {.name = "", .shape = shape, .rank = rank, .dtype = MXFS_I16};
    const struct mxfs_output o = {.tensor = &t};
    char buf[400], expected[400];

    ck_assert_uint_eq(mxfs_vfile_npy_size(&o), size);
    ck_assert_uint_eq(read_header(&o, buf, sizeof(buf)), size);
    memset(expected, ' ', sizeof(expected));
    memcpy(expected, "\x93NUMPY\1\0", 8);
    expected[8] = (char)((size - 10) & 255);
    expected[9] = (char)((size - 10) >> 8);
    expected[size - 1] = '\n';
    if (dict)
        memcpy(expected + 10, dict, strlen(dict));
    else
        memcpy(expected + 10, buf + 10, strcspn(buf + 10, "}") + 1);
    ck_assert_msg(memcmp(buf, expected, size) == 0, "%.*s", (int)size, buf);
}

#define DICT(shape) "{'descr': '<i2', 'fortran_order': False, 'shape': " shape ", }"

START_TEST(headers)
{
    static const uint64_t zeros[40], ones[] = {1, 1, 1, 1, 1, 1, 1, 1}, some[] = {1234567, 0},
                                     matrix[] = {2, 3}, flat[] = {3}, empty[] = {0, 4};

    check_header(NULL, 0, 128, DICT("()"));
    check_header(flat, 1, 128, DICT("(3,)"));
    check_header(matrix, 2, 128, DICT("(2, 3)"));
    check_header(empty, 2, 128, DICT("(0, 4)"));
    check_header(ones, 8, 128, DICT("(1, 1, 1, 1, 1, 1, 1, 1)"));
    check_header(some, 2, 128, DICT("(1234567, 0)"));
    check_header(zeros, 13, 128, NULL);
}
END_TEST

/*
 * `rank` zeros and a last dimension of `digits` digits, around the sizes where padding adds a line.
 */
START_TEST(headers_grow_by_lines)
{
    static const struct {
        uint32_t rank;
        uint64_t last;
        size_t size;
    } cases[] = {{1, 1, 128},    {13, 10, 128}, {13, 100, 192},
                 {34, 100, 192}, {35, 1, 256},  {35, 100, 256}};

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        uint64_t shape[40] = {0};
        shape[cases[i].rank] = cases[i].last;
        check_header(shape, cases[i].rank + 1, cases[i].size, NULL);
    }
}
END_TEST

/* NumPy has arrays of up to 64 dimensions. */
START_TEST(dimensions)
{
    uint64_t shape[65] = {0};
    const struct mxfs_output few = {
        .tensor = &(struct mxfs_tensor){.shape = shape, .rank = 64, .dtype = MXFS_U8}};
    const struct mxfs_output many = {
        .tensor = &(struct mxfs_tensor){.shape = shape, .rank = 65, .dtype = MXFS_U8}};

    ck_assert_uint_gt(mxfs_vfile_npy_size(&few), 64 * 3);
    ck_assert_uint_eq(mxfs_vfile_npy_size(&many), 0);
}
END_TEST

/* Types. */

/** How each dtype is shown; NULL if it is not. */
static const struct {
    const char *descr;
    unsigned size;
} types[MXFS_DTYPE_COUNT] = {
    [MXFS_BOOL] = {"|b1", 1},        [MXFS_U8] = {"|u1", 1},      [MXFS_I8] = {"|i1", 1},
    [MXFS_I16] = {"<i2", 2},         [MXFS_U16] = {"<u2", 2},     [MXFS_F16] = {"<f2", 2},
    [MXFS_I32] = {"<i4", 4},         [MXFS_U32] = {"<u4", 4},     [MXFS_F32] = {"<f4", 4},
    [MXFS_I64] = {"<i8", 8},         [MXFS_U64] = {"<u8", 8},     [MXFS_F64] = {"<f8", 8},
    [MXFS_C64] = {"<c8", 8},         [MXFS_BF16] = {"<f4", 4},    [MXFS_F8_E4M3] = {"<f4", 4},
    [MXFS_F8_E5M2] = {"<f4", 4},     [MXFS_F8_E8M0] = {"<f4", 4}, [MXFS_F8_E4M3FNUZ] = {"<f4", 4},
    [MXFS_F8_E5M2FNUZ] = {"<f4", 4},
};

/** A view, one of its outputs, and the expected NumPy file. */
struct npy {
    struct spec *spec;
    struct view *view;
    const struct mxfs_output *output;
    uint8_t *whole;
    size_t size;
};

/* Takes the header from a read, since the tests above check headers. */
static struct npy npy_open(struct spec *spec, const char *name, const void *data, size_t bytes)
{
    struct test_path dir = test_folder();
    struct npy n = {.spec = spec};

    struct test_path path = spec_write(spec, dir.text, "model.safetensors");
    n.view = view_open(path.text, (struct view_options){MXFS_OUT_BF16, 1, 8192, NULL});
    n.output = view_output(n.view, name);
    n.size = mxfs_vfile_npy_size(n.output);
    ck_assert_uint_eq(n.size, 128 + bytes);
    n.whole = malloc(n.size);
    ck_assert_int_eq(mxfs_vfile_read_npy(&n.view->reader, &n.view->plan, n.output, n.whole, 128, 0),
                     128);
    memcpy(n.whole + 128, data, bytes);
    return n;
}

static void npy_close(struct npy *n)
{
    view_close(n->view);
    spec_free(n->spec);
    free(n->whole);
}

static void check_range(struct npy *n, size_t offset, size_t len)
{
    size_t want = offset >= n->size ? 0 : len < n->size - offset ? len : n->size - offset;
    uint8_t *buf = malloc(len ? len : 1);

    ssize_t got =
        mxfs_vfile_read_npy(&n->view->reader, &n->view->plan, n->output, buf, len, offset);
    ck_assert_msg(got == (ssize_t)want, "%zu at %zu: returned %zd", len, offset, got);
    ck_assert_msg(want == 0 || memcmp(buf, n->whole + offset, want) == 0, "%zu at %zu", len,
                  offset);
    free(buf);
}

static void check_ranges(struct npy *n)
{
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 130, 100000};

    for (size_t offset = 0; offset < n->size + 3; offset++)
        for (size_t i = 0; i < MXFS_COUNT(lengths); i++)
            check_range(n, offset, lengths[i]);
}

/* Element `i` of a stored tensor as float32, for types that are widened. */
static uint32_t widened(uint8_t dtype, const uint8_t *data, size_t i)
{
    if (dtype == MXFS_BF16)
        return (uint32_t)data[2 * i] << 16 | (uint32_t)data[2 * i + 1] << 24;
    return oracle_byte(dtype, data[i]);
}

START_TEST(each_type)
{
    char text[64];
    size_t elements = 256;

    snprintf(text, sizeof(text), "t %s 2,128", mxfs_dtype_name((enum mxfs_dtype)_i));
    struct spec *spec = spec_new_filled(text);
    struct spec_tensor *t = &spec->tensors[0];
    for (size_t i = 0; mxfs_dtype_bits(t->tensor.dtype) == 8 && i < elements; i++)
        t->data[i] = (uint8_t)i; /* every code */
    if (!types[_i].descr) {
        struct npy n = {.output = &(struct mxfs_output){.tensor = &t->tensor}};
        ck_assert_uint_eq(mxfs_vfile_npy_size(n.output), 0);
        ck_assert_int_eq(mxfs_vfile_read_npy(NULL, NULL, n.output, text, 10, 0), 0);
        spec_free(spec);
        return;
    }
    uint32_t *floats = malloc(elements * 4);
    for (size_t i = 0; i < elements; i++)
        floats[i] = widened(t->tensor.dtype, t->data, i);
    bool same = types[_i].size * 8 == mxfs_dtype_bits(t->tensor.dtype);
    struct npy n =
        npy_open(spec, "t", same ? (const void *)t->data : floats, elements * types[_i].size);
    free(floats);
    snprintf(text, sizeof(text), "{'descr': '%s', 'fortran", types[_i].descr);
    ck_assert_int_eq(memcmp(n.whole + 10, text, strlen(text)), 0);
    check_ranges(&n);
    npy_close(&n);
}
END_TEST

/* Decoded tensors are widened, too: streamed and by unit. */
START_TEST(decoded_types)
{
    struct spec *spec = spec_new_filled(_i ? "x_blocks U8 3,2,16; x_scales U8 3,2; a U8 3"
                                           : "x.experts.down_proj_blocks U8 1,3,2,16;"
                                             "x.experts.down_proj_scales U8 1,3,2; a U8 3");
    const uint8_t *codes = spec->tensors[0].data, *scales = spec->tensors[1].data;
    uint32_t floats[192];

    for (size_t n = 0; n < 3; n++)
        for (size_t k = 0; k < 64; k++) {
            unsigned code = codes[32 * n + k / 2] >> k % 2 * 4 & 15;
            uint32_t bf16 = oracle_mxfp4(scales[2 * n + k / 32], code, MXFS_OUT_BF16);
            floats[_i ? 64 * n + k : 3 * k + n] = bf16 << 16;
        }
    struct npy n = npy_open(spec, _i ? "x" : "x.experts.down_proj", floats, sizeof(floats));
    check_ranges(&n);
    npy_close(&n);
}
END_TEST

START_TEST(a_failing_source)
{
    struct spec *spec = spec_new_filled("x BF16 40");
    struct test_path dir = test_folder(), path = spec_write(spec, dir.text, "m.safetensors");
    struct view *v = view_open(path.text, (struct view_options){.out = MXFS_OUT_BF16});
    const struct mxfs_output *o = view_output(v, "x");
    uint8_t buf[300];

    ck_assert_int_eq(truncate(path.text, 10), 0);
    test_quiet();
    ck_assert_int_eq(mxfs_vfile_read_npy(&v->reader, &v->plan, o, buf, 300, 0), -EIO);
    ck_assert_int_eq(mxfs_vfile_read_npy(&v->reader, &v->plan, o, buf, 2, 131), -EIO);
    test_loud();
    ck_assert_int_eq(mxfs_vfile_read_npy(&v->reader, &v->plan, o, buf, 128, 0), 128);
    view_close(v);
    spec_free(spec);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *header = tcase_create("header"), *data = tcase_create("data");

    tcase_add_test(header, headers);
    tcase_add_test(header, headers_grow_by_lines);
    tcase_add_test(header, dimensions);
    suite_add_tcase(suite, header);
    test_use_folder(data);
    tcase_set_timeout(data, 60);
    tcase_add_loop_test(data, each_type, 0, MXFS_DTYPE_COUNT);
    tcase_add_loop_test(data, decoded_types, 0, 2);
    tcase_add_test(data, a_failing_source);
    suite_add_tcase(suite, data);
    return test_run(suite);
}
