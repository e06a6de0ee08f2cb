/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Grouping: asks the schemes about every tensor, then looks at what is left over.
 */
#include "mxfs/grouping.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Working state of one grouping. */
struct work {
    struct mxfs_grouping *out;
    struct mxfs_match match;
    size_t capacity; /* of out->groups */
    const struct mxfs_grouping_options *options;
};

/* Counts one more for the reason that `new` gives. */
static int add_refusal(struct mxfs_grouping *g, struct mxfs_refusal new)
{
    for (size_t i = 0; i < g->refusal_count; i++) {
        struct mxfs_refusal *r = &g->refusals[i];
        if (strcmp(r->scheme, new.scheme) == 0 && strcmp(r->reason, new.reason) == 0 &&
            r->fits == new.fits) {
            r->count++;
            return 0;
        }
    }
    struct mxfs_refusal *grown =
        realloc(g->refusals, (g->refusal_count + 1) * sizeof(*g->refusals));
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
    if (g->count == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 64;
        struct mxfs_group *grown = realloc(g->groups, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        g->groups = grown;
        w->capacity = capacity;
    }
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
            return "a part of it belongs to another group too";
    }
    size_t same = mxfs_tensors_find(set, index, group->name, group->name_len, "");
    if (same == MXFS_NOT_FOUND)
        return NULL;
    for (unsigned i = 0; i < group->parts; i++) {
        if (group->part[i] == set->sorted[same])
            return NULL;
    }
    return "a tensor with the name of the result is there already";
}

/* Whether --only lets a name through. Names that are no C strings of sane length never match. */
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

static int add_match(struct work *w, size_t index, struct mxfs_group *group)
{
    const char *clash = find_clash(w, index, group);

    if (!clash && is_wanted(w, group->name, group->name_len)) {
        set_roles(w, index, group, (int32_t)w->out->count);
        return add_group(w, group);
    }
    free(group->constants);
    if (!clash) {
        set_roles(w, index, group, MXFS_ROLE_DROPPED);
        return 0;
    }
    w->out->role[index] = MXFS_ROLE_REFUSED; /* parts of other groups keep their role */
    return add_refusal(w->out, (struct mxfs_refusal){.scheme = group->scheme->name,
                                                     .reason = clash,
                                                     .first = w->match.tensors->sorted[index]});
}

static int add_refused(struct work *w, size_t index, struct mxfs_group *group, const char *scheme)
{
    const struct mxfs_tensor *t = w->match.tensors->sorted[index];
    bool half = w->match.half;

    free(group->constants);
    if (!is_wanted(w, t->name, t->name_len) || (half && w->options->drop_half)) {
        set_roles(w, index, group, MXFS_ROLE_DROPPED);
        return 0;
    }
    set_roles(w, index, group, half ? MXFS_ROLE_HALF : MXFS_ROLE_REFUSED);
    return add_refusal(w->out,
                       (struct mxfs_refusal){
                           .scheme = scheme, .reason = w->match.reason, .first = t, .half = half});
}

/* Sets *verdict and takes over what the scheme found. */
static int ask_scheme(struct work *w, size_t index, const struct mxfs_scheme *s,
                      enum mxfs_verdict *verdict)
{
    const char *forced = w->options->forced;
    struct mxfs_group group = {.scheme = s, .out = (uint8_t)w->options->out};

    w->match.scheme = NULL;
    w->match.half = false;
    *verdict = s->match(&w->match, index, &group);
    if (*verdict == MXFS_MATCH)
        *verdict = mxfs_scheme_check_company(&w->match, index, &group);
    if (*verdict == MXFS_MATCH && forced && !mxfs_scheme_is_listed(s, forced)) {
        w->match.reason = "it does not fit the --scheme that was asked for";
        *verdict = MXFS_REFUSE;
    }
    if (*verdict == MXFS_MATCH)
        return add_match(w, index, &group);
    if (*verdict == MXFS_REFUSE && !w->match.half)
        mxfs_scheme_check_lonely(&w->match, index); /* perhaps what is missing would explain it */
    if (*verdict == MXFS_REFUSE)
        return add_refused(w, index, &group, w->match.scheme ? w->match.scheme : s->name);
    free(group.constants);
    return 0;
}

static int ask_forced(struct work *w, size_t index, enum mxfs_verdict *verdict)
{
    int rc = 0;

    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s && *verdict == MXFS_NO_MATCH; s++) {
        if (rc == 0 && mxfs_scheme_is_listed(*s, w->options->forced))
            rc = ask_scheme(w, index, *s, verdict);
    }
    return rc;
}

/* Forced schemes come before all that decode, but after those that know the bytes to be others than
 * the names say. */
static int ask_schemes(struct work *w, size_t index)
{
    bool forced = w->options->forced != NULL;
    enum mxfs_verdict verdict = MXFS_NO_MATCH;
    int rc = 0;

    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s && verdict == MXFS_NO_MATCH; s++) {
        if (forced && mxfs_scheme_decodes(*s)) {
            rc = ask_forced(w, index, &verdict);
            forced = false;
        }
        if (verdict == MXFS_NO_MATCH && rc == 0)
            rc = ask_scheme(w, index, *s, &verdict);
    }
    return rc;
}

/* Activation and KV scales: they never enter a weight. */
static bool is_activation_scale(const struct mxfs_tensor *t, size_t *stem_len)
{
    static const char *const suffixes[] = {
        ".input_scale",      ".activation_scale", ".input_global_scale",
        ".input_zero_point", ".output_scale",     ".output_zero_point",
        ".k_scale",          ".v_scale",          ".q_scale",
        ".prob_scale",       "_input_scale",      ".scale_input",
        ".scaled_fp8", /* ComfyUI's marker of a file, with a prefix */
    };
    for (size_t i = 0; i < MXFS_COUNT(suffixes); i++) {
        if (mxfs_tensor_has_suffix(t, suffixes[i], stem_len))
            return true;
    }
    *stem_len = 0;
    return t->name_len == 10 && memcmp(t->name, "scaled_fp8", 10) == 0;
}

/* Whether the weight of the module that a scale belongs to stays quantized. */
static bool module_is_refused(const struct work *w, size_t index, size_t stem_len)
{
    static const char *const weights[] = {".weight", ".weight_packed", ""};
    const struct mxfs_tensors *set = w->match.tensors;
    for (size_t i = 0; i < MXFS_COUNT(weights); i++) {
        size_t at = mxfs_tensors_find(set, index, set->sorted[index]->name, stem_len, weights[i]);
        if (at != MXFS_NOT_FOUND && w->out->role[at] <= MXFS_ROLE_REFUSED)
            return true;
    }
    return false;
}

static void add_notice(struct mxfs_grouping *g, int kind, const char *text,
                       const struct mxfs_tensor *t)
{
    struct mxfs_notice *n = &g->notices[kind];
    n->text = text;
    if (n->count++ == 0)
        n->first = t;
}

static bool is_float(uint8_t dtype)
{
    return dtype == MXFS_BF16 || dtype == MXFS_F16 || dtype == MXFS_F32;
}

static bool has_stray_scale(const struct work *w, size_t index, size_t stem_len)
{
    const struct mxfs_tensors *set = w->match.tensors;
    const char *name = set->sorted[index]->name;
    if (mxfs_tensors_find(set, index, name, stem_len, ".weight_scale") != MXFS_NOT_FOUND ||
        mxfs_tensors_find(set, index, name, stem_len, ".weight_scale_inv") != MXFS_NOT_FOUND)
        return true;
    size_t scale = mxfs_tensors_find(set, index, name, stem_len, ".scale");
    return scale != MXFS_NOT_FOUND && set->sorted[scale]->dtype == MXFS_F8_E8M0;
}

static int look_at_plain(struct work *w, size_t index)
{
    const struct mxfs_tensor *t = w->match.tensors->sorted[index];
    size_t stem_len;

    if (!is_wanted(w, t->name, t->name_len) ||
        (w->out->count > 0 && is_activation_scale(t, &stem_len) &&
         !module_is_refused(w, index, stem_len))) {
        w->out->role[index] = MXFS_ROLE_DROPPED;
        return 0;
    }
    w->match.half = false;
    if (mxfs_scheme_check_lonely(&w->match, index) == MXFS_REFUSE)
        return add_refused(w, index, &(struct mxfs_group){.part = {t}, .parts = 1}, "incomplete");
    if (!mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return 0;
    if (is_float(t->dtype) && has_stray_scale(w, index, stem_len))
        add_notice(w->out, MXFS_NOTICE_STRAY_SCALE,
                   "unquantized weights with a scale beside them are shown as stored, both", t);
    if (t->dtype == MXFS_F8_E4M3 || t->dtype == MXFS_F8_E5M2)
        add_notice(w->out, MXFS_NOTICE_FP8_UNSCALED,
                   "FP8 weights without a scale are shown as stored", t);
    return 0;
}

/* Takes the groups back: what a method means that nobody knows is not to be guessed. */
static int refuse_groups(struct work *w)
{
    static const char reason[] = "the quant_method is not known";
    struct mxfs_grouping *g = w->out;
    int rc = 0;

    for (size_t i = 0; i < g->count; i++) {
        const struct mxfs_group *group = &g->groups[i];
        size_t index = index_of(w->match.tensors, 0, group->part[0]);
        set_roles(w, index, group, MXFS_ROLE_REFUSED);
        free(group->constants);
        if (rc == 0)
            rc = add_refusal(g, (struct mxfs_refusal){.scheme = w->match.config->method,
                                                      .reason = reason,
                                                      .first = group->part[0],
                                                      .fits = group->scheme});
    }
    g->count = 0;
    return rc;
}

/* A quantization that left no mark on any tensor that we know must not pass for none. */
static int check_method(struct work *w)
{
    static const char *const known[] = {
        "mxfp4", "compressed-tensors", "quark",        "modelopt", "fp8", "fbgemm_fp8",
        "mxfp8", "auto-round",         "bitsandbytes", "gptq",     "awq", "",
    };
    const struct mxfs_quant_config *c = w->match.config;

    if (!c->quantized || w->options->forced)
        return 0;
    for (size_t i = 0; i < MXFS_COUNT(known); i++) {
        if (strcmp(c->method, known[i]) == 0)
            return 0;
    }
    if (w->out->count > 0)
        return refuse_groups(w);
    if (w->out->refusal_count > 0)
        return 0;
    return add_refusal(w->out, (struct mxfs_refusal){.scheme = c->method,
                                                     .reason = "no tensor matches a known scheme"});
}

int mxfs_grouping_init(struct mxfs_grouping *grouping, const struct mxfs_tensors *tensors,
                       const struct mxfs_quant_config *config,
                       const struct mxfs_grouping_options *options)
{
    static const struct mxfs_tensors none;
    struct work w = {
        .out = grouping,
        .match = {.tensors = tensors,
                  .absent = options->absent ? options->absent : &none,
                  .config = config,
                  .unit_max = options->unit_max,
                  .auto_out = options->auto_out,
                  .out = options->out,
                  .read = options->read,
                  .reader = options->reader,
                  .comfy = options->comfy},
        .options = options,
    };
    int rc = 0;

    memset(grouping, 0, sizeof(*grouping));
    grouping->role = calloc(tensors->count + 1, sizeof(*grouping->role));
    if (!grouping->role)
        return -ENOMEM;
    for (size_t i = 0; i < tensors->count; i++)
        grouping->role[i] = MXFS_ROLE_PLAIN;
    for (size_t i = 0; i < tensors->count && rc == 0; i++) {
        if (grouping->role[i] == MXFS_ROLE_PLAIN)
            rc = ask_schemes(&w, i);
    }
    if (rc == 0)
        rc = check_method(&w);
    for (size_t i = 0; i < tensors->count && rc == 0; i++) {
        if (grouping->role[i] == MXFS_ROLE_PLAIN)
            rc = look_at_plain(&w, i);
    }
    if (rc != 0)
        mxfs_grouping_fini(grouping);
    return rc;
}

void mxfs_grouping_fini(struct mxfs_grouping *grouping)
{
    for (size_t i = 0; i < grouping->count; i++)
        free(grouping->groups[i].constants);
    free(grouping->groups);
    free(grouping->role);
    free(grouping->refusals);
    memset(grouping, 0, sizeof(*grouping));
}
