/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The engine: finds groups from the tables in which schemes describe their formats.
 *
 * The same questions arise for every scheme: is a tensor a main part by suffix and type, which
 * companions does it have, is one missing, is there one too many, are weights rotated. The engine
 * asks them; the scheme only decides whether the shapes fit. The file is long because all of these
 * questions look at one case and are asked in an order that has meaning.
 */
#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "mxfs/bytes.h"
#include "mxfs/compiler.h"

const char scheme_no_fit[] = "the shapes of its parts do not fit together";
const char scheme_too_large[] = "it has too many dimensions or elements";
const char scheme_swizzled[] =
    "it cannot be told from ComfyUI's swizzled layout without a config.json";

static const char transformed[] =
    "the weights are rotated (transform_config) and need the transform at run time";
static const char elsewhere[] = "a companion of it is in a missing shard";
static const char no_weight[] = "the weight that it belongs to is missing";
static const char not_forced[] = "it does not fit the requested --scheme";

/* For fit(). */

static int refuse(struct mxfs_match *match, const char *name, const char *reason, bool half)
{
    match->scheme = name;
    match->reason = reason;
    match->half = half;
    return -ENOTSUP;
}

int scheme_refuse(struct scheme_case *c, const char *reason)
{
    return refuse(c->match, c->scheme->name, reason, false);
}

int scheme_refuse_as(struct scheme_case *c, const char *name, const char *reason)
{
    return refuse(c->match, name, reason, false);
}

int scheme_refuse_half(struct scheme_case *c, const char *reason)
{
    return refuse(c->match, c->scheme->name, reason, true);
}

static int fail(struct scheme_case *c, int rc, const struct mxfs_tensor *t)
{
    if (c->match->error == 0) {
        c->match->error = rc;
        c->match->failed = t;
    }
    return rc;
}

int scheme_read(struct scheme_case *c, const struct mxfs_tensor *part, void *buf, size_t len,
                uint64_t offset)
{
    const struct mxfs_match_options *o = c->match->options;
    int rc = (*o->read)(o->reader, part, buf, len, offset);

    return rc == 0 ? 0 : fail(c, rc, part);
}

int scheme_fail(struct scheme_case *c, int rc)
{
    return fail(c, rc, c->match->tensors->sorted[c->index]);
}

void *scheme_alloc(struct scheme_case *c, void *old, size_t size)
{
    void *made = realloc(old, size);

    if (!made)
        scheme_fail(c, -ENOMEM);
    return made;
}

void *scheme_layout(struct scheme_case *c, size_t size)
{
    c->group->layout = scheme_alloc(c, NULL, size);
    return c->group->layout ? memset(c->group->layout, 0, size) : NULL;
}

int scheme_set_shape(struct scheme_case *c, const uint64_t *shape, uint32_t rank)
{
    struct mxfs_group *g = c->group;
    uint64_t bytes = 4; /* of the widest output type */

    if (rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    g->rank = rank & 0xff;
    for (uint32_t i = 0; i < rank; i++) {
        g->shape[i] = shape[i];
        if (!mxfs_mul_u64(bytes, shape[i], &bytes) || bytes > INT64_MAX)
            return scheme_refuse(c, scheme_too_large);
    }
    g->elements = bytes / 4;
    return 0;
}

int scheme_set_axis(struct scheme_case *c, uint32_t axis, uint64_t count, uint64_t each)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];
    uint64_t shape[MXFS_RANK_MAX];

    if (codes->rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    if (!mxfs_mul_u64(count, each, &shape[axis]))
        return scheme_refuse(c, scheme_too_large);
    return scheme_set_shape(c, shape, codes->rank);
}

bool scheme_same_dims(const struct mxfs_tensor *a, const struct mxfs_tensor *b, uint32_t rank)
{
    return a->rank >= rank && b->rank >= rank &&
           (rank == 0 || memcmp(a->shape, b->shape, rank * sizeof(*a->shape)) == 0);
}

uint64_t scheme_last_dim(const struct mxfs_tensor *t)
{
    return t->rank ? t->shape[t->rank - 1] : 0;
}

bool scheme_is_blocked(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales,
                       uint32_t axis, uint64_t ratio)
{
    bool fits = codes->rank >= 2 && codes->rank == scales->rank;

    for (uint32_t i = 0; fits && i < codes->rank; i++) {
        uint64_t each = i == axis ? ratio : 1;
        fits = codes->shape[i] % each == 0 && codes->shape[i] / each == scales->shape[i];
    }
    return fits;
}

/* Parts. */

/* The tensor called like the first stem_len bytes of the name of tensor `index`, plus `suffix`. */
static size_t next_to(const struct mxfs_match *match, size_t index, size_t stem_len,
                      const char *suffix)
{
    const struct mxfs_tensors *set = match->tensors;
    return mxfs_tensors_find(set, index, set->sorted[index]->name, stem_len, suffix);
}

/* Parts for which the group is refused, or NULL. */
struct faults {
    const struct scheme_part *twice; /* another part has its role */
    const struct scheme_part *odd;   /* its type is not one of the form */
};

static void add_part(struct scheme_case *c, const struct scheme_part *part,
                     const struct mxfs_tensor *t, struct faults *faults)
{
    struct mxfs_group *g = c->group;

    if (!(part->dtypes >> t->dtype & 1))
        faults->odd = part;
    if (c->of[part->role]) {
        faults->twice = part;
    } else {
        c->of[part->role] = t;
        c->place[part->role] = (uint8_t)g->parts;
    }
    if (!(part->flags & SCHEME_WITNESS) && g->parts < MXFS_PARTS_MAX)
        g->part[g->parts++] = t;
}

/* Finds the parts of a form; false when the type of one shows that it is not this form. */
static bool find_parts(struct scheme_case *c, uint32_t present, struct faults *faults)
{
    const struct scheme_part *parts = c->form->part;

    add_part(c, parts, c->match->tensors->sorted[c->index], faults);
    for (unsigned i = 1; present >> i != 0; i++) {
        bool occurs = (present >> i & 1) && parts[i].role != SCHEME_ACTIVATION;
        size_t at =
            occurs ? next_to(c->match, c->index, c->stem_len, parts[i].suffix) : MXFS_NOT_FOUND;
        if (at == MXFS_NOT_FOUND)
            continue;
        const struct mxfs_tensor *t = c->match->tensors->sorted[at];
        if ((parts[i].flags & SCHEME_TYPED) && !(parts[i].dtypes >> t->dtype & 1))
            return false;
        add_part(c, &parts[i], t, faults);
    }
    return true;
}

/* The first part that has one of the flags and is missing, or NULL. */
static const struct scheme_part *find_missing(const struct scheme_case *c, unsigned flags)
{
    for (const struct scheme_part *p = c->form->part + 1; p->suffix; p++) {
        if ((p->flags & flags) && !c->of[p->role])
            return p;
    }
    return NULL;
}

/* Names. */

static bool is_module(const char *name, size_t len)
{
    return len >= 7 && memcmp(name + len - 7, ".weight", 7) == 0;
}

/* The tensor in `set` that is called like entry `e` next to the output name[0, len). */
static size_t find_entry(const struct mxfs_tensors *set, size_t near, const char *name, size_t len,
                         const struct scheme_entry *e)
{
    if (e->module && !is_module(name, len))
        return MXFS_NOT_FOUND;
    return mxfs_tensors_find(set, near, name, e->module ? len - 6 : len, e->suffix);
}

/*
 * A tensor next to a group whose name is that of a scale, a zero point or the like changes the
 * meaning of the codes. A form lists those that it understands; with any other, the format is
 * unknown. Returns the first whose role is among `roles` (bits), or NULL.
 */
static const struct scheme_part *find_stranger(const struct mxfs_match *match, size_t index,
                                               const struct mxfs_group *g, uint32_t roles)
{
    const struct mxfs_tensors *set = match->tensors;

    for (size_t i = 0; i < match->index->entries; i++) {
        const struct scheme_entry *e = &match->index->entry[i];
        size_t at = e->strange && (roles >> e->part->role & 1)
                        ? find_entry(set, index, g->name, g->name_len, e)
                        : MXFS_NOT_FOUND;
        if (at == MXFS_NOT_FOUND || mxfs_scheme_has_part(g, set->sorted[at]))
            continue;
        if (!(e->part->flags & SCHEME_TYPED) || (e->part->dtypes >> set->sorted[at]->dtype & 1))
            return e->part;
    }
    return NULL;
}

bool mxfs_scheme_has_scales(const struct mxfs_match *match, size_t index)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct mxfs_group alone = {.name = t->name, .name_len = t->name_len};
    uint32_t roles = 1u << SCHEME_SCALES | 1u << SCHEME_GLOBAL | 1u << SCHEME_DIVISOR;

    return find_stranger(match, index, &alone, roles) != NULL;
}

bool scheme_has_scales(const struct scheme_case *c)
{
    return mxfs_scheme_has_scales(c->match, c->index);
}

/*
 * Whether a missing shard holds a companion of the output name[0, len). If so, its meaning is
 * unknown: a group without its g_idx looks complete, and codes without scales look like no group.
 */
static bool lacks_company(const struct mxfs_match *match, const char *name, size_t len)
{
    const struct mxfs_tensors *absent = match->options->absent;

    for (size_t i = 0; absent && i < match->index->entries; i++) {
        const struct scheme_entry *e = &match->index->entry[i];
        if (e->gone && find_entry(absent, 0, name, len, e) != MXFS_NOT_FOUND)
            return true;
    }
    return false;
}

/* The output is called stem + form->output, which mostly is how the main part's name begins. */
static int set_name(struct scheme_case *c)
{
    const struct mxfs_tensor *t = c->of[SCHEME_CODES];
    const char *suffix = c->form->output;
    size_t len = strlen(suffix);
    struct mxfs_group *g = c->group;

    g->name = t->name;
    g->name_len = (uint32_t)(c->stem_len + len);
    if (strncmp(c->form->part->suffix, suffix, len) == 0)
        return 0;
    char *name = scheme_alloc(c, NULL, c->stem_len + len);
    if (!name)
        return -ENOMEM;
    memcpy(name, t->name, c->stem_len);
    memcpy(name + c->stem_len, suffix, len);
    g->name = name;
    g->name_is_owned = true;
    return 0;
}

/* Forms. */

/* Checks everything but the shapes. */
static int check_parts(struct scheme_case *c, const struct faults *faults)
{
    const struct mxfs_quant_config *config = c->match->config;
    unsigned needed = SCHEME_NEEDED | (config->asymmetric ? (unsigned)SCHEME_ASYMMETRIC : 0);
    const struct scheme_part *missing = find_missing(c, needed);

    if (c->form->reason)
        return scheme_refuse_as(c, c->form->name, c->form->reason);
    if (missing)
        return scheme_refuse_half(c, scheme_words[missing->role].missing);
    if (faults->twice)
        return scheme_refuse(c, "it has one part under two names");
    if (faults->odd)
        return scheme_refuse(c, scheme_words[faults->odd->role].unknown);
    if (c->scheme->refuses_transforms && config->transforms)
        return scheme_refuse(c, transformed);
    int rc = set_name(c);
    if (rc != 0)
        return rc;
    const struct scheme_part *stranger = find_stranger(c->match, c->index, c->group, UINT32_MAX);
    return stranger ? scheme_refuse(c, scheme_words[stranger->role].stranger) : 0;
}

/* The verdict on a form whose parts are there; `rc` says whether they fit. */
static int conclude(struct scheme_case *c, int rc)
{
    struct mxfs_match *match = c->match;
    const struct mxfs_group *g = c->group;
    const struct mxfs_tensor *t = c->of[SCHEME_CODES];
    const char *forced = match->options->forced;

    if (match->error != 0) /* a verdict drawn from a failed read is void */
        return match->error;
    if (rc == 0 && lacks_company(match, g->name, g->name_len))
        return scheme_refuse_half(c, elsewhere);
    if (rc == 0 && forced && !mxfs_scheme_is_listed(c->scheme, forced))
        return scheme_refuse(c, not_forced);
    if (rc == -ENOTSUP && !match->half && lacks_company(match, t->name, t->name_len))
        return refuse(match, match->scheme, elsewhere, true); /* which may be why it does not fit */
    return rc;
}

static int ask_form(struct mxfs_match *match, size_t index, const struct scheme_active *active,
                    struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct scheme_part *main = active->form->part;
    const struct mxfs_scheme *scheme = active->scheme;
    struct scheme_case c = {
        .match = match, .index = index, .scheme = scheme, .form = active->form, .group = group};
    struct faults faults = {NULL, NULL};

    if (!(main->dtypes >> t->dtype & 1) || !mxfs_tensor_has_suffix(t, main->suffix, &c.stem_len))
        return -ENOENT;
    *group = (struct mxfs_group){.scheme = scheme, .out = match->options->out};
    if (!find_parts(&c, active->parts, &faults) || find_missing(&c, SCHEME_TELLS) ||
        (scheme->recognises && !scheme->recognises(&c)))
        return -ENOENT;
    int rc = check_parts(&c, &faults);
    return conclude(&c, rc == 0 ? scheme->fit(&c) : rc);
}

/* Parts without their main part. */

/* Whether `form` lists `suffix`, and there is a main part for the stem of tensor `index`, of any
 * type or of one that the form takes. */
static bool has_main(const struct mxfs_match *match, size_t index, const struct scheme_form *form,
                     const char *suffix, bool any_type)
{
    const struct mxfs_tensor *const *sorted = match->tensors->sorted;
    const struct scheme_part *p = form->part + 1;
    size_t stem_len;

    while (p->suffix && strcmp(p->suffix, suffix) != 0)
        p++;
    if (!p->suffix || !mxfs_tensor_has_suffix(sorted[index], suffix, &stem_len))
        return false;
    size_t at = next_to(match, index, stem_len, form->part->suffix);
    return at != MXFS_NOT_FOUND && at != index &&
           (any_type || (form->part->dtypes >> sorted[at]->dtype & 1));
}

/* Whether no form has a main part for tensor `index`. */
static bool is_alone(const struct mxfs_match *match, size_t index, const struct scheme_entry *e)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        for (const struct scheme_form *f = (*s)->forms; f->part[0].suffix; f++) {
            if (has_main(match, index, f, e->part->suffix, *s == e->scheme))
                return false;
        }
    }
    return true;
}

/* Whether another part of its form exists. */
static bool has_pair(const struct mxfs_match *match, size_t index, const struct scheme_entry *e,
                     size_t stem_len)
{
    for (const struct scheme_part *p = e->form->part + 1; p->suffix; p++) {
        if (p != e->part && p->role != SCHEME_ACTIVATION &&
            next_to(match, index, stem_len, p->suffix) != MXFS_NOT_FOUND)
            return true;
    }
    return false;
}

static int ask_lone_part(struct mxfs_match *match, size_t index, const struct scheme_entry *e)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    unsigned flags = e->part->flags;
    size_t stem_len;

    if (!(e->lone >> t->dtype & 1) || !mxfs_tensor_has_suffix(t, e->part->suffix, &stem_len) ||
        ((flags & SCHEME_PAIRED) && !has_pair(match, index, e, stem_len)) ||
        !is_alone(match, index, e))
        return -ENOENT;
    return refuse(match, flags & SCHEME_NAMED ? e->scheme->name : "scale", no_weight, true);
}

static int ask_lone_parts(struct mxfs_match *match, size_t index, struct mxfs_group *group)
{
    int rc = -ENOENT;

    *group = (struct mxfs_group){.part = {match->tensors->sorted[index]}, .parts = 1};
    for (size_t i = 0; i < match->index->entries && rc == -ENOENT; i++)
        rc = ask_lone_part(match, index, &match->index->entry[i]);
    return rc;
}

/* The search. */

int mxfs_scheme_begin(struct mxfs_match *match, const struct mxfs_tensors *tensors,
                      const struct mxfs_quant_config *config,
                      const struct mxfs_match_options *options)
{
    *match = (struct mxfs_match){.tensors = tensors, .config = config, .options = options};
    match->index = calloc(1, sizeof(*match->index));
    if (!match->index)
        return -ENOMEM;
    scheme_index_fill(match->index, tensors, options);
    return 0;
}

void mxfs_scheme_end(struct mxfs_match *match)
{
    free(match->index);
    match->index = NULL;
}

void mxfs_scheme_release(struct mxfs_group *group)
{
    free(group->layout);
    if (group->name_is_owned)
        free((void *)(uintptr_t)group->name);
    *group = (struct mxfs_group){0};
}

static int ask_forms(struct mxfs_match *match, size_t index, struct mxfs_group *group)
{
    int rc = -ENOENT;

    for (size_t i = 0; i < match->index->forms && rc == -ENOENT && match->error == 0; i++)
        rc = ask_form(match, index, &match->index->form[i], group);
    return match->error ? match->error : rc;
}

int mxfs_scheme_ask(struct mxfs_match *match, size_t index, struct mxfs_group *group)
{
    *group = (struct mxfs_group){0};
    int rc = match->error ? match->error : ask_forms(match, index, group);
    return rc == -ENOENT && match->error == 0 ? ask_lone_parts(match, index, group) : rc;
}

int mxfs_scheme_ask_alone(struct mxfs_match *match, size_t index)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];

    if (SCHEME_LINEAR >> t->dtype & 1 || !lacks_company(match, t->name, t->name_len))
        return -ENOENT;
    return refuse(match, "incomplete", elsewhere, true);
}

/* Whether a tensor scales activations, and the length of its stem. */
static bool find_stem(const struct mxfs_match *match, const struct mxfs_tensor *t, size_t *stem_len)
{
    for (size_t i = 0; i < match->index->entries; i++) {
        const struct scheme_part *p = match->index->entry[i].part;
        if (p->role == SCHEME_ACTIVATION && mxfs_tensor_has_suffix(t, p->suffix, stem_len))
            return true;
    }
    return false;
}

bool mxfs_scheme_scales_activations(const struct mxfs_match *match, size_t index,
                                    size_t mains[MXFS_MAINS_MAX], size_t *count)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (!find_stem(match, t, &stem_len))
        return false;
    *count = 0;
    for (size_t f = 0; f < match->index->forms && *count < MXFS_MAINS_MAX; f++) {
        const char *suffix = match->index->form[f].form->part->suffix;
        /* Forms list "weight_packed" without the dot after X. */
        size_t dot = suffix[0] == 'w' && t->name[stem_len] == '.';
        size_t at = next_to(match, index, stem_len + dot, suffix);
        if (at != MXFS_NOT_FOUND)
            mains[(*count)++] = at;
    }
    return true;
}
