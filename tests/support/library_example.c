/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/* An example of libmxfs: prints every tensor of a source with the sum of its bytes. */
#include <inttypes.h>
#include <mxfs.h>
#include <stdio.h>

static uint64_t sum_bytes(struct mxfs_reader *r, size_t tensor)
{
    unsigned char buf[65536];
    uint64_t sum = 0;
    ssize_t n;

    for (uint64_t at = 0; (n = mxfs_read_tensor(r, tensor, buf, sizeof(buf), at)) > 0;
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
    struct mxfs_reader *r = mxfs_reader_new(h);
    for (size_t i = 0; r && i < mxfs_tensor_count(h); i++) {
        struct mxfs_description d = {.struct_size = sizeof(d)};
        mxfs_describe(h, i, &d);
        printf("%s %s %s %" PRIu64 "\n", d.name, d.dtype, d.scheme, sum_bytes(r, i));
    }
    mxfs_reader_free(r);
    mxfs_close(h);
    return 0;
}
