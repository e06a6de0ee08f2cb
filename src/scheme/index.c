/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One pass over all names, before any scheme is asked.
 */
#include "index.h"

#include <assert.h>
#include <string.h>

static const struct mxfs_tensors no_tensors;

/* Suffixes have two bytes at least, but for "". */
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

/* Whether one of the parts that have the role of `part` occurs. */
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
        return; /* any tensor could be its main part: only company tells */
    assert(index->forms < SCHEME_FORMS);
    index->form[index->forms++] = active;
}

/* Those of X.weight are known by what comes after "X.": forms write it with the dot or without. */
static bool is_of_module(const struct scheme_form *form, const char **suffix)
{
    bool dotted = strcmp(form->output, ".weight") == 0;

    if (!dotted && strcmp(form->output, "weight") != 0)
        return false;
    *suffix += dotted;
    return true;
}

static struct scheme_companion *add_companion(struct scheme_index *index, const char *suffix,
                                              bool module)
{
    for (size_t i = 0; i < index->companions; i++) {
        struct scheme_companion *c = &index->company[i];
        if (c->module == module && strcmp(c->suffix, suffix) == 0)
            return c;
    }
    assert(index->companions < SCHEME_COMPANY);
    index->company[index->companions] =
        (struct scheme_companion){.suffix = suffix, .module = module};
    return &index->company[index->companions++];
}

static void add_company(struct scheme_index *index, const struct scheme_form *form,
                        const struct scheme_part *part)
{
    const struct scheme_suffix *s = find(index, part->suffix);
    const char *suffix = part->suffix;
    bool module = is_of_module(form, &suffix);

    if (part->role == SCHEME_ACTIVATION || (!s->dtypes && !s->absent) ||
        (form->reason && !(part->flags & SCHEME_WITNESS)))
        return; /* companions of formats that are refused have names of all kinds */
    struct scheme_companion *c = add_companion(index, suffix, module);
    c->here = s->dtypes != 0;
    c->gone = s->absent;
    if (part->flags & SCHEME_AMBIGUOUS)
        return;
    c->role = c->strange ? c->role : part->role;
    c->dtypes |= part->flags & SCHEME_TYPED ? part->dtypes : SCHEME_ANY;
    c->strange = true;
}

uint32_t scheme_lone_dtypes(const struct scheme_part *part)
{
    if (!(part->flags & (SCHEME_ALONE | SCHEME_PAIRED | SCHEME_NAMED)))
        return 0;
    return part->flags & (SCHEME_TYPED | SCHEME_NAMED) ? part->dtypes : SCHEME_ANY;
}

static void add_lone(struct scheme_index *index, struct scheme_lone lone)
{
    uint32_t dtypes =
        lone.part->role == SCHEME_ACTIVATION ? SCHEME_ANY : scheme_lone_dtypes(lone.part);

    if (!(dtypes_of(index, lone.part) & dtypes))
        return;
    assert(index->lone_parts < SCHEME_COMPANY);
    index->lone[index->lone_parts++] = lone;
}

static void add_forms(struct scheme_index *index, const struct mxfs_scheme *scheme,
                      const struct scheme_form *form)
{
    for (; form->part[0].suffix; form++) {
        if (scheme)
            add_form(index, scheme, form);
        for (const struct scheme_part *p = form->part + 1; p->suffix; p++) {
            add_company(index, form, p);
            add_lone(index, (struct scheme_lone){scheme, form, p});
        }
    }
}

void scheme_index_fill(struct scheme_index *index, const struct mxfs_tensors *tensors,
                       const struct mxfs_tensors *absent)
{
    add_suffixes(index, scheme_common);
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++)
        add_suffixes(index, (*s)->forms);
    scan(index, tensors, false);
    scan(index, absent ? absent : &no_tensors, true);
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++)
        add_forms(index, *s, (*s)->forms);
    add_forms(index, NULL, scheme_common);
}
