/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Grouping: asks the schemes about every tensor, then looks at those that remain.
 */
#include "mxfs/grouping.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/array.h"

/* The state of one grouping. */
struct work {
    struct mxfs_grouping *out;
    struct mxfs_match match;
    size_t capacity, refusal_capacity; /* of the arrays of `out` */
    const struct mxfs_grouping_options *options;
};

/* Counts one more for the reason that `new` gives. */
static int add_refusal(struct work *w, struct mxfs_refusal new)
{
    struct mxfs_grouping *g = w->out;

    for (size_t i = 0; i < g->refusal_count; i++) {
        struct mxfs_refusal *r = &g->refusals[i];
        if (strcmp(r->scheme, new.scheme) == 0 && strcmp(r->reason, new.reason) == 0 &&
            r->fits == new.fits) {
            r->count++;
            return 0;
        }
    }
    struct mxfs_refusal *grown = mxfs_array_grow(g->refusals, g->refusal_count + 1,
                                                 &w->refusal_capacity, sizeof(*g->refusals));
    if (!grown)
        return -ENOMEM;
    g->refusals = grown;
    new.count = 1;
    grown[g->refusal_count++] = new;
    return 0;
}

static int add_group(struct work *w, const struct mxfs_group *group)
{
    struct mxfs_grouping *g = w->out;
    struct mxfs_group *grown =
        mxfs_array_grow(g->groups, g->count + 1, &w->capacity, sizeof(*g->groups));

    if (!grown)
        return -ENOMEM;
    g->groups = grown;
    g->groups[g->count++] = *group;
    return 0;
}

static size_t index_of(const struct mxfs_tensors *set, size_t near, const struct mxfs_tensor *t)
{
    return mxfs_tensors_find(set, near, t->name, t->name_len, "");
}

static void set_roles(struct work *w, size_t index, const struct mxfs_group *group, int32_t role)
{
    w->out->role[index] = role;
    for (unsigned i = 0; i < group->parts; i++)
        w->out->role[index_of(w->match.tensors, index, group->part[i])] = role;
}

/* Whether a part already belongs to another group, or the output's name to a tensor that stays. */
static const char *find_clash(const struct work *w, size_t index, const struct mxfs_group *group)
{
    const struct mxfs_tensors *set = w->match.tensors;

    for (unsigned i = 0; i < group->parts; i++) {
        if (w->out->role[index_of(set, index, group->part[i])] != MXFS_ROLE_PLAIN)
            return "one of its parts also belongs to another group";
    }
    size_t same = mxfs_tensors_find(set, index, group->name, group->name_len, "");
    if (same == MXFS_NOT_FOUND || mxfs_scheme_has_part(group, set->sorted[same]))
        return NULL;
    return "the output name is already taken";
}

/* Whether --only matches a name. Names that are too long, or hold a NUL, never match. */
static bool is_wanted(const struct work *w, const char *name, size_t len)
{
    char text[4096];

    if (!w->options->only)
        return true;
    if (len >= sizeof(text) || memchr(name, '\0', len))
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    return fnmatch(w->options->only, text, 0) == 0;
}

/* Adds a group that can be dequantized, or frees it. */
static int add_match(struct work *w, size_t index, struct mxfs_group *group)
{
    struct mxfs_refusal refusal = {
        .scheme = group->scheme->name,
        .reason = find_clash(w, index, group),
        .first = w->match.tensors->sorted[index],
    };
    int rc = 0;

    if (refusal.reason) {
        w->out->role[index] = MXFS_ROLE_REFUSED; /* the parts of other groups keep their role */
        rc = add_refusal(w, refusal);
    } else if (!is_wanted(w, group->name, group->name_len)) {
        set_roles(w, index, group, MXFS_ROLE_DROPPED);
    } else {
        rc = add_group(w, group);
        if (rc == 0) {
            set_roles(w, index, group, (int32_t)w->out->count - 1);
            return 0;
        }
    }
    mxfs_scheme_release(group);
    return rc;
}

/* Adds the last refusal of the search. */
static int add_refused(struct work *w, size_t index, const struct mxfs_group *group)
{
    const struct mxfs_tensor *t = w->match.tensors->sorted[index];
    const struct mxfs_match *m = &w->match;

    if (!is_wanted(w, t->name, t->name_len) || (m->half && w->options->drop_half)) {
        set_roles(w, index, group, MXFS_ROLE_DROPPED);
        return 0;
    }
    set_roles(w, index, group, m->half ? MXFS_ROLE_HALF : MXFS_ROLE_REFUSED);
    return add_refusal(w,
                       (struct mxfs_refusal){
                           .scheme = m->scheme, .reason = m->reason, .first = t, .half = m->half});
}

static int ask_schemes(struct work *w, size_t index)
{
    struct mxfs_group group;
    int rc = mxfs_scheme_ask(&w->match, index, &group);

    if (rc == 0)
        return add_match(w, index, &group);
    if (w->match.error == 0)
        rc = rc == -ENOTSUP ? add_refused(w, index, &group) : 0;
    mxfs_scheme_release(&group);
    return rc;
}

/* Whether a tensor scales activations, and no weight of its module stays quantized. */
static bool is_dropped(const struct work *w, size_t index)
{
    size_t mains[MXFS_MAINS_MAX], count;

    if (w->out->count == 0 || !mxfs_scheme_scales_activations(&w->match, index, mains, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (w->out->role[mains[i]] <= MXFS_ROLE_REFUSED)
            return false;
    }
    return true;
}

static void add_notice(struct mxfs_grouping *g, int kind, const char *text,
                       const struct mxfs_tensor *t)
{
    struct mxfs_notice *n = &g->notices[kind];

    n->text = text;
    if (n->count++ == 0)
        n->first = t;
}

static bool is_float(enum mxfs_dtype dtype)
{
    return dtype == MXFS_BF16 || dtype == MXFS_F16 || dtype == MXFS_F32;
}

static int look_at_plain(struct work *w, size_t index)
{
    const struct mxfs_tensor *t = w->match.tensors->sorted[index];
    size_t stem_len;

    if (!is_wanted(w, t->name, t->name_len) || is_dropped(w, index)) {
        w->out->role[index] = MXFS_ROLE_DROPPED;
        return 0;
    }
    if (mxfs_scheme_ask_alone(&w->match, index) == -ENOTSUP)
        return add_refused(w, index, &(struct mxfs_group){.part = {t}, .parts = 1});
    if (!mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return 0;
    if (is_float(t->dtype) && mxfs_scheme_has_scales(&w->match, index))
        add_notice(w->out, MXFS_NOTICE_STRAY_SCALE,
                   "unquantized weights with a scale; weight and scale are passed through", t);
    if (t->dtype == MXFS_F8_E4M3 || t->dtype == MXFS_F8_E5M2)
        add_notice(w->out, MXFS_NOTICE_FP8_UNSCALED,
                   "FP8 weights without a scale are shown as stored", t);
    return 0;
}

/* Turns the groups into refusals: the meaning of an unknown method must not be guessed. */
static int refuse_groups(struct work *w)
{
    struct mxfs_grouping *g = w->out;
    int rc = 0;

    for (size_t i = 0; i < g->count; i++) {
        struct mxfs_group *group = &g->groups[i];
        const struct mxfs_refusal refusal = {.scheme = w->match.config->method,
                                             .reason = "the quant_method is not known",
                                             .first = group->part[0],
                                             .fits = group->scheme};
        set_roles(w, index_of(w->match.tensors, 0, group->part[0]), group, MXFS_ROLE_REFUSED);
        mxfs_scheme_release(group);
        if (rc == 0)
            rc = add_refusal(w, refusal);
    }
    g->count = 0;
    return rc;
}

/* A model that is quantized in an unknown way must not pass for one that is not. */
static int check_method(struct work *w)
{
    const struct mxfs_quant_config *c = w->match.config;

    if (!c->quantized || w->options->match.forced || mxfs_scheme_knows_method(c->method))
        return 0;
    if (w->out->count > 0)
        return refuse_groups(w);
    if (w->out->refusal_count > 0)
        return 0;
    return add_refusal(w, (struct mxfs_refusal){.scheme = c->method,
                                                .reason = "no tensor matches a known scheme"});
}

static int group_all(struct work *w)
{
    size_t count = w->match.tensors->count;
    int32_t *role = w->out->role;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        role[i] = MXFS_ROLE_PLAIN;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (role[i] == MXFS_ROLE_PLAIN)
            rc = ask_schemes(w, i);
    }
    if (rc == 0)
        rc = check_method(w);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (role[i] == MXFS_ROLE_PLAIN)
            rc = look_at_plain(w, i);
    }
    return rc;
}

/* Releases unused room of the array, which may be half of it. */
static void shrink(struct mxfs_grouping *g)
{
    struct mxfs_group *shrunk = g->count ? realloc(g->groups, g->count * sizeof(*g->groups)) : NULL;

    if (shrunk)
        g->groups = shrunk;
}

int mxfs_grouping_init(struct mxfs_grouping *grouping, const struct mxfs_tensors *tensors,
                       const struct mxfs_quant_config *config,
                       const struct mxfs_grouping_options *options)
{
    struct work w = {.out = grouping, .options = options};

    memset(grouping, 0, sizeof(*grouping));
    grouping->role = calloc(tensors->count + 1, sizeof(*grouping->role));
    if (!grouping->role)
        return -ENOMEM;
    int rc = mxfs_scheme_begin(&w.match, tensors, config, &options->match);
    if (rc == 0)
        rc = group_all(&w);
    mxfs_scheme_end(&w.match);
    if (rc == 0) {
        shrink(grouping);
        return 0;
    }
    mxfs_grouping_fini(grouping);
    grouping->failed = w.match.failed;
    return rc;
}

void mxfs_grouping_fini(struct mxfs_grouping *grouping)
{
    for (size_t i = 0; i < grouping->count; i++)
        mxfs_scheme_release(&grouping->groups[i]);
    free(grouping->groups);
    free(grouping->role);
    free(grouping->refusals);
    memset(grouping, 0, sizeof(*grouping));
}
