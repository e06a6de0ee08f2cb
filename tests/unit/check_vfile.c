/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Reading virtual files: the whole file has known bytes, and any range of it is a part of those.
 *
 * Expected values come from a second definition (support/oracle), computed here from the stored
 * bytes of each layout. The expected header is the plan's, which check_plan.c tests.
 */
#include "mxfs/vfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxfs/compiler.h"
#include "support/oracle.h"
#include "support/spec.h"
#include "support/view.h"

/* Nibble i of `codes`, low nibbles first. */
static unsigned nibble(const uint8_t *codes, uint64_t i)
{
    return codes[i / 2] >> i % 2 * 4 & 15;
}

/* Expects codes and scales stored in the order of the output. */
static void expect_stream(struct spec *s, const char *codes, const char *scales, enum mxfs_out out,
                          uint8_t *dst)
{
    const struct spec_tensor *c = spec_find(s, codes), *e = spec_find(s, scales);

    for (uint64_t i = 0; i < 2 * c->tensor.size; i++)
        oracle_put(dst, i, oracle_mxfp4(e->data[i / 32], nibble(c->data, i), out), out);
}

/* [E, N, G, 16] and [E, N, G] become [E, 32 G, N]. */
static void expect_transposed(struct spec *s, const char *codes, const char *scales,
                              enum mxfs_out out, uint8_t *dst)
{
    const struct spec_tensor *c = spec_find(s, codes), *e = spec_find(s, scales);
    uint64_t rows = c->shape[1], cols = 32 * c->shape[2];

    for (uint64_t m = 0; m < c->shape[0]; m++)
        for (uint64_t n = 0; n < rows; n++)
            for (uint64_t k = 0; k < cols; k++) {
                uint64_t from = (m * rows + n) * cols + k;
                uint32_t bits = oracle_mxfp4(e->data[from / 32], nibble(c->data, from), out);
                oracle_put(dst, (m * cols + k) * rows + n, bits, out);
            }
}

/* Expects one scale per tile of th x tw elements in the last two dimensions. */
static void expect_tiles(struct spec *s, const char *codes, const char *scales, uint64_t th,
                         uint64_t tw, enum mxfs_out out, uint8_t *dst)
{
    const struct spec_tensor *c = spec_find(s, codes), *e = spec_find(s, scales);
    uint32_t rank = c->tensor.rank;
    uint64_t rows = c->shape[rank - 2], cols = c->shape[rank - 1];
    uint64_t down = e->shape[rank - 2], across = e->shape[rank - 1];

    for (uint64_t i = 0; i < c->tensor.size; i++) {
        uint64_t matrix = i / (rows * cols), r = i / cols % rows, k = i % cols;
        uint8_t scale = e->data[(matrix * down + r / th) * across + k / tw];
        oracle_put(dst, i, oracle_fp8(c->tensor.dtype, c->data[i], scale, out), out);
    }
}

/* Every kind of extent, with sizes that put the next extent at odd offsets. */

static const char mixture_text[] = "m.odd U8 3;"
                                   "m.experts.gate_up_proj_blocks U8 2,5,3,16;"
                                   "m.x.weight_packed U8 3,32;"
                                   "m.bias F32 5;"
                                   "m.empty F32 0,4;"
                                   "m.y.scale F8_E8M0 2,3;"
                                   "m.y.weight F8_E4M3 5,70;"
                                   "m.long I64 2;"
                                   "m.x.weight_scale U8 3,2;"
                                   "m.norm BF16 7;"
                                   "m.experts.gate_up_proj_scales U8 2,5,3;"
                                   "m.z.weight F8_E5M2 3,9,2;"
                                   "m.z.scale F8_E8M0 3,3,1;"
                                   "m.half F16 3;"
                                   "m.scalar F32 -;"
                                   "m.flags BOOL 1";

/** A file, its view, and all the bytes that the view should have. */
struct mixture {
    struct spec *spec;
    struct view *view;
    uint8_t *whole;
    uint64_t size;
    uint64_t edges[32]; /**< where each output begins, and the end of the last */
    size_t edge_count;
};

/* Appends an output; calls must be in the expected order of the file. */
static uint8_t *next_output(struct mixture *m, uint64_t bytes)
{
    uint8_t *at = m->whole + m->size;

    m->edges[m->edge_count++] = m->size;
    m->size += bytes;
    return at;
}

static void copied(struct mixture *m, const char *name)
{
    const struct spec_tensor *t = spec_find(m->spec, name);
    memcpy(next_output(m, t->tensor.size), t->data, t->tensor.size);
}

static void decoded(struct mixture *m, enum mxfs_out out)
{
    struct spec *s = m->spec;
    uint64_t size = mxfs_out_size(out);

    expect_transposed(s, "m.experts.gate_up_proj_blocks", "m.experts.gate_up_proj_scales", out,
                      next_output(m, 2 * 5 * 96 * size));
    if (out == MXFS_OUT_BF16)
        copied(m, "m.norm");
    if (out == MXFS_OUT_F16)
        copied(m, "m.half");
    if (out == MXFS_OUT_F32)
        copied(m, "m.scalar");
    expect_stream(s, "m.x.weight_packed", "m.x.weight_scale", out, next_output(m, 3 * 64 * size));
    /* 5 rows share 2 scales and 70 columns 3: tiles of 4 x 32 */
    expect_tiles(s, "m.y.weight", "m.y.scale", 4, 32, out, next_output(m, 5 * 70 * size));
    expect_tiles(s, "m.z.weight", "m.z.scale", 4, 2, out, next_output(m, 3 * 9 * 2 * size));
}

static void expect_mixture(struct mixture *m, enum mxfs_out out)
{
    const struct mxfs_plan *plan = &m->view->plan;

    m->whole = malloc(plan->size + 64);
    ck_assert_ptr_nonnull(m->whole);
    memcpy(next_output(m, plan->data_offset), plan->header, plan->data_offset);
    copied(m, "m.long");
    copied(m, "m.bias");
    if (out == MXFS_OUT_F32) {
        decoded(m, out);
    } else {
        copied(m, "m.scalar");
        if (out == MXFS_OUT_BF16)
            decoded(m, out);
        else
            copied(m, "m.norm");
        if (out == MXFS_OUT_F16)
            decoded(m, out);
    }
    if (out != MXFS_OUT_F16)
        copied(m, out == MXFS_OUT_F32 ? "m.norm" : "m.half");
    if (out == MXFS_OUT_F32)
        copied(m, "m.half");
    copied(m, "m.odd");
    copied(m, "m.flags");
    m->edges[m->edge_count++] = m->size;
    ck_assert_uint_eq(m->size, plan->size);
}

static struct mixture mixture_open(struct view_options options, unsigned padding)
{
    struct test_path dir = test_folder();
    struct mixture m = {0};

    test_seed(padding + 1);
    m.spec = spec_new_filled(mixture_text);
    m.spec->padding = padding;
    struct test_path path = spec_write(m.spec, dir.text, "model.safetensors");
    m.view = view_open(path.text, options);
    expect_mixture(&m, (enum mxfs_out)options.out);
    return m;
}

static void mixture_close(struct mixture *m)
{
    view_close(m->view);
    spec_free(m->spec);
    free(m->whole);
}

/* Reads a range into a buffer of exactly that size, so that sanitizers see any overrun. */
static void check_range(struct mixture *m, uint64_t offset, uint64_t len)
{
    uint64_t have = offset >= m->size ? 0 : m->size - offset < len ? m->size - offset : len;
    uint8_t *buf = malloc(len ? len : 1);

    ssize_t got = mxfs_vfile_read(&m->view->reader, &m->view->plan, buf, len, offset);
    if (got != (ssize_t)have)
        ck_abort_msg("%lu at %lu: returned %zd", len, offset, got);
    if (have && memcmp(buf, m->whole + offset, have) != 0) {
        uint64_t i = 0;
        while (buf[i] == m->whole[offset + i])
            i++;
        ck_abort_msg("%lu at %lu: byte %lu is %02x, not %02x", len, offset, offset + i, buf[i],
                     m->whole[offset + i]);
    }
    free(buf);
}

enum { UNIT_ONE = 1, UNIT_TWO = 2 * 17 * 64, UNIT_ALL = 1 << 20 };

/* Ways to open the file: output type, unit size, cache size. A unit takes at least a page. */
static const struct view_options ways[] = {
    {.out = MXFS_OUT_BF16, .unit_max = UNIT_ALL},
    {.out = MXFS_OUT_BF16, .unit_max = UNIT_ONE, .cache = 4096},
    {.out = MXFS_OUT_BF16, .unit_max = UNIT_TWO, .cache = 4096},
    {.out = MXFS_OUT_F16, .unit_max = UNIT_TWO, .cache = 8192},
    {.out = MXFS_OUT_F32, .unit_max = UNIT_TWO, .cache = 8192},
    {.out = MXFS_OUT_BF16, .unit_max = UNIT_TWO, .cache = 4096, .kernel = "scalar"},
    {.out = MXFS_OUT_F16, .unit_max = UNIT_ALL, .kernel = "scalar"},
    {.out = MXFS_OUT_F32, .unit_max = UNIT_ONE, .kernel = "scalar"},
};

START_TEST(the_whole_has_known_values)
{
    for (unsigned padding = 0; padding < 8; padding++) {
        struct mixture m = mixture_open(ways[_i], padding);
        check_range(&m, 0, m.size);
        check_range(&m, 0, m.size + 1000);
        mixture_close(&m);
    }
}
END_TEST

START_TEST(ranges_at_every_offset)
{
    static const uint64_t lengths[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 127, 130, 700};
    struct mixture m = mixture_open(ways[_i], 3);

    for (uint64_t offset = 0; offset <= m.size + 3; offset++)
        for (size_t i = 0; i < MXFS_COUNT(lengths); i++)
            check_range(&m, offset, lengths[i]);
    mixture_close(&m);
}
END_TEST

START_TEST(ranges_between_all_edges)
{
    struct mixture m = mixture_open(ways[_i], 5);
    enum { NEAR = 3 };

    for (size_t a = 0; a < m.edge_count; a++)
        for (size_t b = a; b < m.edge_count; b++)
            for (uint64_t i = 0; i <= 2 * NEAR; i++)
                for (uint64_t j = 0; j <= 2 * NEAR; j++) {
                    uint64_t from = m.edges[a] + i, to = m.edges[b] + j;
                    if (from >= NEAR && to >= from)
                        check_range(&m, from - NEAR, to - from);
                }
    mixture_close(&m);
}
END_TEST

START_TEST(random_ranges)
{
    struct mixture m = mixture_open(ways[_i], 0);

    for (int i = 0; i < 4000; i++)
        check_range(&m, test_random() % (m.size + 10), test_random() % (m.size + 10));
    mixture_close(&m);
}
END_TEST

START_TEST(outputs_are_parts_of_the_whole)
{
    struct mixture m = mixture_open(ways[_i], 1);
    struct view *v = m.view;
    uint8_t buf[4096];

    for (size_t o = 0; o < v->plan.count; o++) {
        const struct mxfs_output *output = &v->plan.outputs[o];
        uint64_t size = mxfs_output_info(output).size;
        for (uint64_t offset = 0; offset <= size + 1; offset++) {
            uint64_t have = offset < size ? size - offset : 0;
            uint64_t len = have > 40 ? test_random() % 40 : have + 1;
            ssize_t want = (ssize_t)(len < have ? len : have);
            ck_assert_int_eq(mxfs_vfile_read_output(&v->reader, &v->plan, output, buf, len, offset),
                             want);
            ck_assert(want == 0 ||
                      memcmp(buf, m.whole + output->offset + offset, (size_t)want) == 0);
        }
    }
    mixture_close(&m);
}
END_TEST

START_TEST(far_offsets_are_the_end)
{
    static const uint64_t far[] = {1u << 31, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
    struct mixture m = mixture_open(ways[0], 0);

    for (size_t i = 0; i < MXFS_COUNT(far); i++) {
        check_range(&m, far[i], 10);
        ck_assert_int_eq(mxfs_vfile_read_output(&m.view->reader, &m.view->plan,
                                                &m.view->plan.outputs[0], NULL, 10, far[i]),
                         0);
    }
    mixture_close(&m);
}
END_TEST

/* Large tensors, which need more than one chunk of each loop. */

/** Opens a file of one group; stores the spec and returns the view. */
static struct view *open_large(const char *text, struct view_options options, struct spec **spec)
{
    struct test_path dir = test_folder();

    test_seed(7);
    *spec = spec_new_filled(text);
    struct test_path path = spec_write(*spec, dir.text, "model.safetensors");
    return view_open(path.text, options);
}

static void check_large(struct view *v, const uint8_t *expected, const uint64_t *starts,
                        size_t count)
{
    const struct mxfs_output *output = &v->plan.outputs[0];
    uint64_t size = mxfs_output_info(output).size;
    uint8_t *buf = malloc(size);

    ck_assert_uint_eq(v->plan.count, 1);
    for (size_t i = 0; i < count; i++)
        for (uint64_t near = 0; near < 7; near++) {
            uint64_t offset = starts[i] + near, len = size - offset - near;
            ck_assert_int_eq(mxfs_vfile_read_output(&v->reader, &v->plan, output, buf, len, offset),
                             (ssize_t)len);
            ck_assert(memcmp(buf, expected + offset, len) == 0);
        }
    free(buf);
}

START_TEST(streams_longer_than_a_chunk)
{
    static const uint64_t starts[] = {0, 61, (512 << 10) - 3, 700000, (1 << 20) - 3};
    struct spec *s;
    struct view *v = open_large("a_blocks U8 33,600,16; a_scales U8 33,600",
                                (struct view_options){.out = MXFS_OUT_BF16}, &s);
    uint8_t *expected = malloc(33 * 600 * 64);

    expect_stream(s, "a_blocks", "a_scales", MXFS_OUT_BF16, expected);
    check_large(v, expected, starts, MXFS_COUNT(starts));
    free(expected);
    view_close(v);
    spec_free(s);
}
END_TEST

START_TEST(tiles_longer_than_a_chunk)
{
    static const uint64_t starts[] = {0, 1001, (512 << 10) - 3, 600000};
    struct spec *s;
    struct view *v = open_large("a.weight F8_E4M3 700,601; a.scale F8_E8M0 6,5",
                                (struct view_options){.out = MXFS_OUT_BF16}, &s);
    uint8_t *expected = malloc(700 * 601 * 2);

    expect_tiles(s, "a.weight", "a.scale", 128, 128, MXFS_OUT_BF16, expected);
    check_large(v, expected, starts, MXFS_COUNT(starts));
    free(expected);
    view_close(v);
    spec_free(s);
}
END_TEST

/*
 * Strips of one to all of 9 blocks, read one by one or with the bytes between them; short last
 * ones.
 */
START_TEST(transposed_in_strips)
{
    static const uint64_t starts[] = {0, 12345, 700000, 2 * 288 * 1111 - 20};
    uint64_t lanes = 1152 | 64, unit_max = (uint64_t)_i * 17 * lanes;
    struct spec *s;
    struct view *v = open_large("e.experts.down_proj_blocks U8 2,1111,9,16;"
                                "e.experts.down_proj_scales U8 2,1111,9",
                                (struct view_options){MXFS_OUT_BF16, unit_max, 300000, NULL}, &s);
    uint8_t *expected = malloc(2 * 1111 * 288 * 2);

    expect_transposed(s, "e.experts.down_proj_blocks", "e.experts.down_proj_scales", MXFS_OUT_BF16,
                      expected);
    check_large(v, expected, starts, MXFS_COUNT(starts));
    free(expected);
    view_close(v);
    spec_free(s);
}
END_TEST

/* Rows that are too long for a reader's memory: few of them, or more than packing takes at once.
 * The memory stays small all the same. */
START_TEST(transposed_in_pieces)
{
    static const struct {
        const char *dims; /* of the scales: one matrix, rows, blocks */
        uint64_t rows, blocks, unit_max;
    } cases[] = {
        {"1,1,40000", 1, 40000, 64 << 20},  {"1,3,30001", 3, 30001, 64 << 20},
        {"1,3,30001", 3, 30001, 1 << 20},   {"1,130,1100", 130, 1100, 64 << 20},
        {"1,130,1100", 130, 1100, 1 << 20},
    };
    uint64_t size = cases[_i].rows * cases[_i].blocks * 64;
    const uint64_t starts[] = {0, size / 2 + 1, size - 20};
    struct spec *s;
    char text[128];
    snprintf(text, sizeof(text),
             "e.experts.down_proj_blocks U8 %s,16; e.experts.down_proj_scales U8 %s",
             cases[_i].dims, cases[_i].dims);
    struct view *v = open_large(
        text, (struct view_options){MXFS_OUT_BF16, cases[_i].unit_max, 64 << 20, NULL}, &s);
    uint8_t *expected = malloc(size);

    expect_transposed(s, "e.experts.down_proj_blocks", "e.experts.down_proj_scales", MXFS_OUT_BF16,
                      expected);
    check_large(v, expected, starts, MXFS_COUNT(starts));
    ck_assert_uint_le(v->reader.memory_size, 512 << 10);
    free(expected);
    view_close(v);
    spec_free(s);
}
END_TEST

/* Many threads share one view, with a cache that has room for two of six units. */

struct reader {
    pthread_t thread;
    struct mixture *mixture;
    unsigned seed;
    int wrong;
};

static void *read_randomly(void *data)
{
    struct reader *r = data;
    struct mixture *m = r->mixture;
    struct mxfs_vfile_reader reader = {.env = &m->view->env};
    uint8_t buf[3000];

    for (int i = 0; i < 500; i++) {
        uint64_t offset = (uint64_t)rand_r(&r->seed) % m->size;
        size_t len = (size_t)rand_r(&r->seed) % sizeof(buf);
        ssize_t got = mxfs_vfile_read(&reader, &m->view->plan, buf, len, offset);
        size_t want = m->size - offset < len ? m->size - offset : len;
        if (got != (ssize_t)want || memcmp(buf, m->whole + offset, want) != 0)
            r->wrong++;
    }
    mxfs_vfile_reader_fini(&reader);
    return NULL;
}

START_TEST(many_threads)
{
    struct view_options options = {MXFS_OUT_BF16, UNIT_ONE, 8192, NULL};
    struct mixture m = mixture_open(options, 2);
    struct reader readers[8];

    for (unsigned i = 0; i < MXFS_COUNT(readers); i++) {
        readers[i] = (struct reader){.mixture = &m, .seed = i + 1};
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_randomly, &readers[i]), 0);
    }
    for (unsigned i = 0; i < MXFS_COUNT(readers); i++) {
        pthread_join(readers[i].thread, NULL);
        ck_assert_int_eq(readers[i].wrong, 0);
    }
    mixture_close(&m);
}
END_TEST

/* Failing sources. */

static void check_all_fail(struct view *v)
{
    uint8_t buf[64];

    for (size_t o = 0; o < v->plan.count; o++) {
        const struct mxfs_output *output = &v->plan.outputs[o];
        uint64_t size = mxfs_output_info(output).size;
        ck_assert_int_eq(mxfs_vfile_read_output(&v->reader, &v->plan, output, buf, 8, 0),
                         size ? -EIO : 0);
        if (size)
            ck_assert_int_eq(mxfs_vfile_read(&v->reader, &v->plan, buf, 8, output->offset), -EIO);
    }
}

START_TEST(a_truncated_source_is_an_io_error)
{
    struct mixture m = mixture_open(ways[1], 0);
    const struct mxfs_shard *shard = &m.view->model.shards[0];

    ck_assert_int_eq(truncate(shard->source.path, (off_t)shard->header.data_offset), 0);
    test_quiet();
    check_all_fail(m.view);
    check_all_fail(m.view); /* a half-filled unit is never served later */
    test_loud();
    check_range(&m, 0, m.view->plan.data_offset); /* the header is in memory */
    mixture_close(&m);
}
END_TEST

START_TEST(a_changed_source_is_an_io_error)
{
    struct mixture m = mixture_open(ways[0], 0);
    const struct timespec times[2] = {{1, 0}, {1, 0}};

    ck_assert_int_eq(utimensat(AT_FDCWD, m.view->model.shards[0].source.path, times, 0), 0);
    test_quiet();
    check_all_fail(m.view);
    test_loud();
    mixture_close(&m);
}
END_TEST

START_TEST(a_replaced_source_keeps_its_bytes)
{
    struct mixture m = mixture_open(ways[0], 0);
    struct test_path dir = test_folder();
    struct test_path other = test_write_text(dir.text, "other", "something else");

    ck_assert_int_eq(rename(other.text, m.view->model.shards[0].source.path), 0);
    check_range(&m, 0, m.size);
    mixture_close(&m);
}
END_TEST

/* A file without quantized tensors is the source itself, odd header and all. */
START_TEST(verbatim_files_are_unchanged)
{
    static const char json[] = "  {\"b\":{\"shape\":[2],\"dtype\":\"U8\",\"data_offsets\":[0,2]} ,"
                               "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}\n";
    struct test_path dir = test_folder();
    uint8_t file[8 + sizeof(json) - 1 + 6] = {sizeof(json) - 1}, buf[sizeof(file)];

    memcpy(file + 8, json, sizeof(json) - 1);
    memcpy(file + 8 + sizeof(json) - 1, "\1\2\3\4\5\6", 6);
    struct test_path path = test_write(dir.text, "plain.safetensors", file, sizeof(file));
    struct view *v = view_open(path.text, (struct view_options){.out = -1});
    for (size_t offset = 0; offset <= sizeof(file); offset++)
        for (size_t len = 0; len <= sizeof(file); len++) {
            size_t want = len < sizeof(file) - offset ? len : sizeof(file) - offset;
            ck_assert_int_eq(mxfs_vfile_read(&v->reader, &v->plan, buf, len, offset),
                             (ssize_t)want);
            ck_assert(memcmp(buf, file + offset, want) == 0);
        }
    ck_assert_int_eq(mxfs_vfile_read_output(&v->reader, &v->plan, view_output(v, "a"), buf, 10, 1),
                     3);
    ck_assert(memcmp(buf, "\4\5\6", 3) == 0);
    view_close(v);
}
END_TEST

START_TEST(empty_readers_can_be_freed)
{
    struct mxfs_vfile_reader reader = {0};
    mxfs_vfile_reader_fini(&reader);
    mxfs_vfile_reader_fini(&reader);
    ck_assert_ptr_null(reader.memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfile");
    TCase *ranges = tcase_create("ranges"), *failures = tcase_create("failures");
    static const TTest *const *const each_way[] = {
        &the_whole_has_known_values,     &ranges_at_every_offset,
        &ranges_between_all_edges,       &random_ranges,
        &outputs_are_parts_of_the_whole,
    };

    test_use_folder(ranges);
    tcase_set_timeout(ranges, 300); /* instrumented builds are slow */
    for (size_t i = 0; i < MXFS_COUNT(each_way); i++)
        tcase_add_loop_test(ranges, *each_way[i], 0, MXFS_COUNT(ways));
    tcase_add_test(ranges, far_offsets_are_the_end);
    tcase_add_test(ranges, streams_longer_than_a_chunk);
    tcase_add_test(ranges, tiles_longer_than_a_chunk);
    tcase_add_loop_test(ranges, transposed_in_strips, 0, 10);
    tcase_add_loop_test(ranges, transposed_in_pieces, 0, 5);
    tcase_add_test(ranges, many_threads);
    tcase_add_test(ranges, verbatim_files_are_unchanged);
    tcase_add_test(ranges, empty_readers_can_be_freed);
    suite_add_tcase(suite, ranges);
    test_use_folder(failures);
    tcase_add_test(failures, a_truncated_source_is_an_io_error);
    tcase_add_test(failures, a_changed_source_is_an_io_error);
    tcase_add_test(failures, a_replaced_source_keeps_its_bytes);
    suite_add_tcase(suite, failures);
    return test_run(suite);
}
