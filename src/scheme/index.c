/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One pass over all names, before the first question to a scheme.
 */
#include "index.h"

#include <assert.h>
#include <string.h>

/* A suffix other than "" has two bytes at least. */
static uint8_t hash_end(const char *end)
{
    return (uint8_t)((uint8_t)end[-2] * 31u + (uint8_t)end[-1]);
}

static struct scheme_suffix *find(struct scheme_index *index, const char *text)
{
    size_t len = strlen(text);

    for (uint8_t i = index->head[hash_end(text + len)]; i != 0; i = index->suffix[i - 1].next) {
        if (strcmp(index->suffix[i - 1].text, text) == 0)
            return &index->suffix[i - 1];
    }
    return NULL;
}

static void add_suffix(struct scheme_index *index, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || find(index, text))
        return;
    assert(len >= 2 && index->suffixes < SCHEME_SUFFIXES);
    uint8_t *head = &index->head[hash_end(text + len)];
    index->suffix[index->suffixes++] =
        (struct scheme_suffix){.text = text, .len = len, .next = *head};
    *head = (uint8_t)index->suffixes;
}

static void add_suffixes(struct scheme_index *index, const struct scheme_form *form)
{
    for (; form->part[0].suffix; form++) {
        for (const struct scheme_part *p = form->part; p->suffix; p++)
            add_suffix(index, p->suffix);
    }
}

static void scan(struct scheme_index *index, const struct mxfs_tensors *tensors, bool absent)
{
    for (size_t n = 0; n < tensors->count; n++) {
        const struct mxfs_tensor *t = tensors->sorted[n];
        const char *end = t->name + t->name_len;
        uint32_t bit = absent ? 0 : 1u << t->dtype;
        index->dtypes |= bit;
        if (t->name_len < 2)
            continue;
        for (uint8_t i = index->head[hash_end(end)]; i != 0;) {
            struct scheme_suffix *s = &index->suffix[i - 1];
            i = s->next;
            if ((absent ? s->absent : (s->dtypes & bit) != 0) || t->name_len < s->len ||
                memcmp(end - s->len, s->text, s->len) != 0)
                continue;
            s->dtypes |= bit;
            s->absent = s->absent || absent;
        }
    }
}

/* The types of the tensors that end in a part's suffix. */
static uint32_t dtypes_of(struct scheme_index *index, const struct scheme_part *part)
{
    return part->suffix[0] ? find(index, part->suffix)->dtypes : index->dtypes;
}

/* Whether a part with the role of `part` occurs. */
static bool role_occurs(struct scheme_index *index, const struct scheme_form *form,
                        const struct scheme_part *part)
{
    for (const struct scheme_part *p = form->part; p->suffix; p++) {
        uint32_t wanted = p->flags & SCHEME_TYPED ? p->dtypes : UINT32_MAX;
        if (p->role == part->role && (dtypes_of(index, p) & wanted))
            return true;
    }
    return false;
}

static void add_form(struct scheme_index *index, const struct mxfs_scheme *scheme,
                     const struct scheme_form *form)
{
    struct scheme_active active = {scheme, form, 0};

    if (!(dtypes_of(index, form->part) & form->part->dtypes))
        return;
    for (const struct scheme_part *p = form->part + 1; p->suffix; p++) {
        if ((p->flags & SCHEME_TELLS) && !role_occurs(index, form, p))
            return;
        if (dtypes_of(index, p))
            active.parts |= 1u << (p - form->part);
    }
    if (active.parts == 0 && form->part->suffix[0] == '\0')
        return; /* every tensor could be its main part; only other parts tell */
    assert(index->forms < SCHEME_FORMS);
    index->form[index->forms++] = active;
}

/* Forced schemes come before all others that decode, but after those that recognise bytes whose
 * meaning is not what the names say. */
static int turn_of(const struct mxfs_scheme *scheme, const char *forced)
{
    if (!forced || scheme == mxfs_schemes[0])
        return 0;
    return mxfs_scheme_is_listed(scheme, forced) ? 1 : 2;
}

static void add_forms(struct scheme_index *index, const char *forced, int turn)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (turn_of(*s, forced) != turn)
            continue;
        for (const struct scheme_form *f = (*s)->forms; f->part[0].suffix; f++)
            add_form(index, *s, f);
    }
}

/* Whether an earlier entry covers all tensors of that name. */
static bool is_repeated(const struct scheme_index *index, const struct scheme_entry *new)
{
    for (const struct scheme_entry *e = index->entry; e < index->entry + index->entries; e++) {
        if (e->strange && !(e->part->flags & SCHEME_TYPED) && e->module == new->module &&
            strcmp(e->suffix, new->suffix) == 0)
            return true;
    }
    return false;
}

static uint32_t lone_dtypes(const struct scheme_part *part)
{
    if (part->role == SCHEME_ACTIVATION ||
        !(part->flags & (SCHEME_ALONE | SCHEME_PAIRED | SCHEME_NAMED)))
        return 0;
    return part->flags & (SCHEME_TYPED | SCHEME_NAMED) ? part->dtypes : SCHEME_ANY;
}

static void add_entry(struct scheme_index *index, struct scheme_entry e)
{
    const struct scheme_suffix *s = find(index, e.part->suffix);
    const char *output = e.form->output;
    /* Companions of formats that are refused have names of all kinds. */
    bool company =
        e.part->role != SCHEME_ACTIVATION && (!e.form->reason || (e.part->flags & SCHEME_WITNESS));

    e.module = strcmp(output + (output[0] == '.'), "weight") == 0;
    e.suffix = e.part->suffix + (e.module && e.part->suffix[0] == '.');
    e.lone = lone_dtypes(e.part);
    e.gone = company && s->absent;
    e.strange =
        company && s->dtypes && !(e.part->flags & SCHEME_AMBIGUOUS) && !is_repeated(index, &e);
    bool scales_activations = e.part->role == SCHEME_ACTIVATION && s->dtypes;
    if (!e.gone && !e.strange && !scales_activations && !(s->dtypes & e.lone))
        return;
    assert(index->entries < SCHEME_ENTRIES);
    index->entry[index->entries++] = e;
}

static void add_entries(struct scheme_index *index, const struct mxfs_scheme *scheme,
                        const struct scheme_form *form)
{
    for (; form->part[0].suffix; form++) {
        for (const struct scheme_part *p = form->part + 1; p->suffix; p++)
            add_entry(index, (struct scheme_entry){.scheme = scheme, .form = form, .part = p});
    }
}

void scheme_index_fill(struct scheme_index *index, const struct mxfs_tensors *tensors,
                       const struct mxfs_match_options *options)
{
    add_suffixes(index, scheme_common);
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++)
        add_suffixes(index, (*s)->forms);
    scan(index, tensors, false);
    if (options->absent)
        scan(index, options->absent, true);
    for (int turn = 0; turn <= 2; turn++)
        add_forms(index, options->forced, turn);
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++)
        add_entries(index, *s, (*s)->forms);
    add_entries(index, NULL, scheme_common);
}
