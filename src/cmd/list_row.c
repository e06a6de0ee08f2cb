/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Sizes and totals for every form of `mxfs list`.
 */
#include "list_row.h"

uint64_t cmd_stored_size(const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    unsigned n = mxfs_output_sources(o, sources);
    uint64_t size = 0;

    for (unsigned i = 0; i < n; i++)
        size += sources[i]->size;
    return size;
}

struct cmd_totals cmd_listing_totals(const struct cmd_listing *l)
{
    struct cmd_totals t = {.tensors = l->count};

    if (!l->only_scheme)
        return cmd_totals_of(l->view);
    for (size_t i = 0; i < l->count; i++) {
        t.dequantized += l->rows[i].output->group != NULL;
        t.bytes_in += cmd_stored_size(l->rows[i].output);
        t.bytes_out += mxfs_output_info(l->rows[i].output).size;
    }
    return t;
}
