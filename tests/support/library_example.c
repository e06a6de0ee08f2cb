/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/* Prints every tensor of a source with the sum of its bytes: libmxfs in thirty lines. */
#include <inttypes.h>
#include <mxfs.h>
#include <stdio.h>

static uint64_t sum_bytes(const struct mxfs_handle *h, size_t tensor)
{
    unsigned char buf[65536];
    uint64_t sum = 0;
    ssize_t n;

    for (uint64_t at = 0; (n = mxfs_read_tensor(h, tensor, buf, sizeof(buf), at)) > 0;
         at += (uint64_t)n) {
        for (ssize_t i = 0; i < n; i++)
            sum += buf[i];
    }
    return n < 0 ? UINT64_MAX : sum;
}

int main(int argc, char **argv)
{
    struct mxfs_handle *h;
    char why[MXFS_ERROR_SIZE];

    if (argc < 2 || mxfs_open(&h, argv[1], argc > 2 ? argv[2] : NULL, why, sizeof(why)) != MXFS_OK)
        return fprintf(stderr, "%s\n", argc < 2 ? "usage: example SOURCE [OPTIONS]" : why), 1;
    for (size_t i = 0; i < mxfs_tensor_count(h); i++) {
        struct mxfs_description d = mxfs_describe(h, i);
        printf("%.*s %s %s %" PRIu64 "\n", (int)d.name_len, d.name, d.dtype, d.scheme,
               sum_bytes(h, i));
    }
    mxfs_close(h);
    return 0;
}
