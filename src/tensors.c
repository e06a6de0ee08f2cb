/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Lookup by name: a galloping search in a sorted array, because the parts of a group, such as
 * X.weight and X.weight_scale, sort close to each other.
 */
#include "mxfs/tensors.h"

#include <stdlib.h>
#include <string.h>

int mxfs_name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int c = n ? memcmp(a, b, n) : 0;
    if (c != 0)
        return c;
    return a_len < b_len ? -1 : a_len > b_len;
}

/* The name to find, in two pieces, so that callers need not join them. */
struct wanted {
    const char *stem;
    size_t stem_len;
    const char *suffix;
    size_t suffix_len;
};

static int compare_wanted(const struct mxfs_tensor *t, const struct wanted *w)
{
    size_t head = t->name_len < w->stem_len ? t->name_len : w->stem_len;
    int c = head ? memcmp(t->name, w->stem, head) : 0;
    if (c != 0)
        return c;
    if (t->name_len < w->stem_len)
        return -1;
    return mxfs_name_compare(t->name + head, t->name_len - head, w->suffix, w->suffix_len);
}

/* The first index in [low, high) whose name is not less than the one to find, or `high`. */
static size_t lower_bound(const struct mxfs_tensors *set, size_t low, size_t high,
                          const struct wanted *w)
{
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_wanted(set->sorted[mid], w) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t mxfs_tensors_find(const struct mxfs_tensors *set, size_t near, const char *stem,
                         size_t stem_len, const char *suffix)
{
    struct wanted w = {stem, stem_len, suffix, strlen(suffix)};
    size_t low = 0, high = set->count;

    if (near >= set->count)
        near = 0;
    for (size_t step = 1; near < set->count; step *= 2) {
        if (compare_wanted(set->sorted[near], &w) < 0) {
            low = near + 1;
            if (set->count - near <= step || compare_wanted(set->sorted[near + step], &w) >= 0) {
                high = set->count - near <= step ? set->count : near + step + 1;
                break;
            }
            near += step;
        } else {
            high = near + 1;
            if (near < step || compare_wanted(set->sorted[near - step], &w) < 0) {
                low = near < step ? 0 : near - step + 1;
                break;
            }
            near -= step;
        }
    }
    size_t i = lower_bound(set, low, high, &w);
    return i < set->count && compare_wanted(set->sorted[i], &w) == 0 ? i : MXFS_NOT_FOUND;
}

static int compare_tensors(const void *a, const void *b)
{
    const struct mxfs_tensor *x = *(const struct mxfs_tensor *const *)a;
    const struct mxfs_tensor *y = *(const struct mxfs_tensor *const *)b;
    return mxfs_name_compare(x->name, x->name_len, y->name, y->name_len);
}

void mxfs_tensors_sort(struct mxfs_tensors *set)
{
    if (set->count > 1)
        qsort(set->sorted, set->count, sizeof(*set->sorted), compare_tensors);
}

bool mxfs_tensor_has_suffix(const struct mxfs_tensor *t, const char *suffix, size_t *stem_len)
{
    size_t n = strlen(suffix);
    if (t->name_len < n || memcmp(t->name + t->name_len - n, suffix, n) != 0)
        return false;
    *stem_len = t->name_len - n;
    return true;
}
