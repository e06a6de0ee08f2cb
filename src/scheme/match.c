/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What matchers share.
 */
#include "match.h"

#include <string.h>

#include "mxfs/bytes.h"

const char mxfs_reason_no_scales[] = "its scales are missing";
const char mxfs_reason_shape[] = "the shapes of its parts do not belong together";
const char mxfs_reason_rank[] = "it has too many dimensions or elements";
const char mxfs_reason_transforms[] =
    "the weights are rotated (transform_config) and need the transform at run time";
const char mxfs_reason_swizzled[] =
    "without a config.json nothing tells it from ComfyUI's swizzled layout";

const struct mxfs_tensor *mxfs_match_companion(const struct mxfs_match *match, size_t index,
                                               size_t stem_len, const char *suffix)
{
    const struct mxfs_tensors *set = match->tensors;
    size_t i = mxfs_tensors_find(set, index, set->sorted[index]->name, stem_len, suffix);
    return i == MXFS_NOT_FOUND ? NULL : set->sorted[i];
}

enum mxfs_verdict mxfs_match_refuse(struct mxfs_match *match, const char *scheme,
                                    const char *reason)
{
    match->scheme = scheme;
    match->reason = reason;
    return MXFS_REFUSE;
}

enum mxfs_verdict mxfs_match_refuse_half(struct mxfs_match *match, const char *scheme,
                                         const char *reason)
{
    match->half = true;
    return mxfs_match_refuse(match, scheme, reason);
}

void mxfs_match_add_part(struct mxfs_group *group, const struct mxfs_tensor *part)
{
    group->part[group->parts++] = part;
}

void mxfs_match_name(struct mxfs_group *group, size_t len)
{
    group->name = group->part[0]->name;
    group->name_len = (uint32_t)len;
}

bool mxfs_match_shape(struct mxfs_group *group, const uint64_t *shape, uint32_t rank)
{
    uint64_t bytes = 4; /* of the widest output type */

    if (rank > MXFS_RANK_MAX)
        return false;
    group->rank = (uint8_t)rank;
    for (uint32_t i = 0; i < rank; i++) {
        group->shape[i] = shape[i];
        if (!mxfs_mul_u64(bytes, shape[i], &bytes) || bytes > INT64_MAX)
            return false;
    }
    group->elements = bytes / 4;
    return true;
}

bool mxfs_match_same_dims(const struct mxfs_tensor *a, const struct mxfs_tensor *b, uint32_t rank)
{
    return a->rank >= rank && b->rank >= rank &&
           (rank == 0 || memcmp(a->shape, b->shape, rank * sizeof(*a->shape)) == 0);
}

uint64_t mxfs_match_last_dim(const struct mxfs_tensor *t)
{
    return t->rank ? t->shape[t->rank - 1] : 0;
}

const struct mxfs_tensor *mxfs_match_weight_and_scale(const struct mxfs_match *match, size_t index,
                                                      struct mxfs_group *group, uint8_t dtype,
                                                      bool (*accepts)(uint8_t dtype),
                                                      size_t *stem_len)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];

    if (t->dtype != dtype || !mxfs_tensor_has_suffix(t, ".weight", stem_len))
        return NULL;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, t->name_len, "_scale");
    if (!scales || !accepts(scales->dtype))
        return NULL;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, t->name_len);
    return scales;
}
