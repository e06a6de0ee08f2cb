/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacking streams of narrow codes, for every variant: what is expected is found bit by bit.
 * Sources end, or begin, where a page begins that faults; destinations too.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mxfs/compiler.h"
#include "mxfs/cpu.h"
#include "mxfs/kernel.h"
#include "support/suite.h"

enum { MAX = 300, FILL = 0xa5, ROOM = 4096 };

/* A page between two that fault. */
static uint8_t *room_new(void)
{
    uint8_t *p = mmap(NULL, 3 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    ck_assert_int_eq(mprotect(p, ROOM, PROT_NONE) | mprotect(p + 2 * ROOM, ROOM, PROT_NONE), 0);
    return p + ROOM;
}

static void room_free(uint8_t *room)
{
    munmap(room - ROOM, 3 * ROOM);
}

static const struct mxfs_kernel *kernel;
static uint8_t *src_room, *dst_room;

static void set_up(void)
{
    ck_assert_int_eq(sysconf(_SC_PAGESIZE), ROOM);
    src_room = room_new();
    dst_room = room_new();
}

static void tear_down(void)
{
    room_free(src_room);
    room_free(dst_room);
}

static size_t octets_of(size_t n, unsigned bits)
{
    return (n * bits + 7) / 8;
}

static unsigned code_at(const uint8_t *src, size_t i, unsigned bits)
{
    unsigned code = 0;
    for (unsigned b = 0; b < bits; b++)
        code |= (src[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1u) << b;
    return code;
}

/* Random octets at one end of the room, or in its middle, at any alignment. */
static uint8_t *place(uint8_t *room, size_t size, unsigned where)
{
    return where == 0 ? room : where == 1 ? room + ROOM - size : room + 1000 + test_random() % 64;
}

static const uint8_t *draw_codes(size_t size, unsigned where)
{
    uint8_t *src = place(src_room, size, where);
    for (size_t i = 0; i < size; i++)
        src[i] = (uint8_t)test_random();
    return src;
}

static uint8_t *clear_place(size_t size, unsigned where)
{
    memset(dst_room, FILL, ROOM);
    return place(dst_room, size, where);
}

static void expect_rest_untouched(const uint8_t *dst, size_t size)
{
    for (const uint8_t *p = dst_room; p < dst_room + ROOM; p++)
        if ((p < dst || p >= dst + size) && *p != FILL)
            ck_abort_msg("%s: octet %td of %zu is written", kernel->name, p - dst, size);
}

static void check_unpack(size_t n, unsigned bits, uint8_t offset, unsigned where)
{
    const uint8_t *src = draw_codes(octets_of(n, bits), where);
    uint8_t *dst = clear_place(n, where);
    kernel->unpack(dst, src, n, bits, offset);
    for (size_t i = 0; i < n; i++)
        if (dst[i] != (uint8_t)(code_at(src, i, bits) - offset))
            ck_abort_msg("%s: code %zu of %zu, %u bits, less %u, is %u", kernel->name, i, n, bits,
                         offset, dst[i]);
    expect_rest_untouched(dst, n);
}

START_TEST(every_width_and_length)
{
    static const uint8_t offsets[] = {0, 1, 4, 128, 255};
    kernel = mxfs_kernels[_i];
    for (unsigned bits = 1; bits <= 8; bits++)
        for (size_t n = 0; n < MAX; n++)
            for (unsigned where = 0; where < 3; where++)
                check_unpack(n, bits, offsets[test_random() % MXFS_COUNT(offsets)], where);
}
END_TEST

static double e2m3(unsigned code)
{
    double magnitude =
        code & 24 ? ldexp(8 + (code & 7), (int)(code >> 3 & 3) - 4) : (code & 7) / 8.0;
    return code & 32 ? -magnitude : magnitude;
}

static double e4m3(unsigned code)
{
    double magnitude =
        code & 120 ? ldexp(8 + (code & 7), (int)(code >> 3 & 15) - 10) : ldexp(code & 7, -9);
    return code & 128 ? -magnitude : magnitude;
}

static void check_e2m3(size_t n, unsigned where)
{
    const uint8_t *src = draw_codes(octets_of(n, 6), where);
    uint8_t *dst = clear_place(n, where);
    kernel->e2m3(dst, src, n);
    for (size_t i = 0; i < n; i++) {
        double want = e2m3(code_at(src, i, 6)), got = e4m3(dst[i]);
        if (got != want || !signbit(got) != !signbit(want))
            ck_abort_msg("%s: code %zu of %zu is %g, not %g", kernel->name, i, n, got, want);
    }
    expect_rest_untouched(dst, n);
}

START_TEST(every_length_of_e2m3)
{
    kernel = mxfs_kernels[_i];
    for (size_t n = 0; n < MAX; n++)
        for (unsigned where = 0; where < 3; where++)
            check_e2m3(n, where);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unpack");
    uint32_t cpu = mxfs_cpu_detect();
    for (int i = 0; mxfs_kernels[i]; i++) {
        if (mxfs_kernels[i]->requires & ~cpu) {
            printf("skipped: %s (not on this processor)\n", mxfs_kernels[i]->name);
            continue;
        }
        TCase *tcase = tcase_create(mxfs_kernels[i]->name);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, every_width_and_length, i, i + 1);
        tcase_add_loop_test(tcase, every_length_of_e2m3, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    return test_run(suite);
}
