/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The JSON state of a 4-bit tensor.
 *
 * Source: bitsandbytes functional.py, QuantState.as_dict and from_dict.
 */
#include "bitsandbytes.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static bool read_shape(struct bnb_state *state, const json_t *shape)
{
    size_t rank = json_array_size(shape);

    if (!json_is_array(shape) || rank > MXFS_RANK_MAX)
        return false;
    state->rank = (uint32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return false;
        state->shape[i] = (uint64_t)json_integer_value(dim);
    }
    return true;
}

static bool read_dtype(struct bnb_state *state, const json_t *dtype)
{
    static const char *const names[MXFS_OUT_COUNT] = {
        [MXFS_OUT_BF16] = "bfloat16", [MXFS_OUT_F16] = "float16", [MXFS_OUT_F32] = "float32"};
    const char *name = json_string_value(dtype);

    for (unsigned i = 0; name && i < MXFS_OUT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            state->dtype = (enum mxfs_out)i;
            return true;
        }
    }
    return false;
}

static bool read_size(uint64_t *size, const json_t *value)
{
    *size = json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    return *size > 0;
}

static bool read_nesting(struct bnb_state *state, const json_t *root)
{
    const json_t *offset = json_object_get(root, "nested_offset");

    if (!offset && !json_object_get(root, "nested_blocksize"))
        return true;
    state->nested_offset = (float)json_number_value(offset);
    return json_is_number(offset) && isfinite(state->nested_offset) &&
           read_size(&state->nested_blocksize, json_object_get(root, "nested_blocksize"));
}

int bnb_state_parse(const char *json, size_t len, struct bnb_state *state)
{
    errno = 0;
    json_t *root = json_loadb(json, len, 0, NULL);
    if (!root && errno == ENOMEM) /* jansson itself calls that a syntax error */
        return -ENOMEM;

    memset(state, 0, sizeof(*state));
    bool ok = json_is_object(root) && read_shape(state, json_object_get(root, "shape")) &&
              read_dtype(state, json_object_get(root, "dtype")) &&
              read_size(&state->blocksize, json_object_get(root, "blocksize")) &&
              read_nesting(state, root);
    json_decref(root);
    return ok ? 0 : -EINVAL;
}
