/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The list of schemes, and what their tables say together: names, methods, the table of formats.
 */
#include "mxfs/scheme.h"

#include <stdio.h>
#include <string.h>

#include "match.h"

#define SCHEMES(X)       \
    X(disguised)         \
    X(gptoss)            \
    X(mxfp4_blocks)      \
    X(gptoss_original)   \
    X(mxfp6)             \
    X(packed_mxfp4)      \
    X(weight_mxfp4)      \
    X(deepseek_mxfp4)    \
    X(fp8)               \
    X(nvfp4)             \
    X(nvfp4_rows)        \
    X(bitsandbytes)      \
    X(bitsandbytes_int8) \
    X(int_packed)        \
    X(int8)              \
    X(gptq)              \
    X(int4_pairs)        \
    X(mlx)               \
    X(mlx_mxfp4)         \
    X(mlx_mxfp8)         \
    X(mlx_nvfp4)         \
    X(foreign)           \
    X(mistyped)

#define DECLARE(name) extern const struct mxfs_scheme scheme_##name;
#define ADDRESS(name) &scheme_##name,

SCHEMES(DECLARE)

const struct mxfs_scheme *const mxfs_schemes[] = {SCHEMES(ADDRESS) NULL};

const struct scheme_form scheme_common[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", 0, 0},
              {SCHEME_GLOBAL, ".global_scale", SCHEME_ANY, 0},
              {SCHEME_SCALES, ".weight_scales", SCHEME_ANY, 0},
              {SCHEME_OTHER, ".meta", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".input_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".input_global_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".input_zero_point", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".output_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".output_zero_point", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".activation_scale", SCHEME_ANY, 0}}},
    {.output = "",
     .part = {{SCHEME_CODES, "", 0, 0},
              {SCHEME_SCALES, "_weight_scale_inv", SCHEME_ANY, 0},
              {SCHEME_ZEROS, "_weight_zero_point", SCHEME_ANY, 0},
              {SCHEME_ZEROS, "_zero_point", SCHEME_ANY, 0},
              {SCHEME_G_IDX, "_g_idx", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, "_input_scale", SCHEME_ANY, 0}}},
    /* of attention: queries, keys, values, probabilities */
    {.output = "",
     .part = {{SCHEME_CODES, "", 0, 0},
              {SCHEME_ACTIVATION, ".q_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".k_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".v_scale", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".prob_scale", SCHEME_ANY, 0}}},
    {0},
};

#define WORDS(plural, article)                                         \
    {                                                                  \
        "its " plural " missing", "its " plural " of an unknown type", \
            "it has " article ", which is not part of this format"     \
    }

const struct scheme_words scheme_words[SCHEME_ROLES] = {
    [SCHEME_CODES] = WORDS("codes are", "other codes"),
    [SCHEME_SCALES] = WORDS("scales are", "another scale"),
    [SCHEME_ZEROS] = WORDS("zero points are", "a zero point"),
    [SCHEME_BIASES] = WORDS("biases are", "a bias of its groups"),
    [SCHEME_GLOBAL] = WORDS("global scale is", "a global scale"),
    [SCHEME_DIVISOR] = WORDS("global scale is", "a global scale"),
    [SCHEME_COLUMNS] = WORDS("pre_quant_scale is", "a pre_quant_scale"),
    [SCHEME_G_IDX] = WORDS("g_idx is", "a g_idx"),
    [SCHEME_SHAPE] = WORDS("weight_shape is", "a weight_shape"),
    [SCHEME_MAP] = WORDS("quant_map is", "a quant_map"),
    [SCHEME_STATE] = WORDS("quant_state is", "a quant_state"),
    [SCHEME_NESTED_SCALES] = WORDS("nested scales are", "nested scales"),
    [SCHEME_NESTED_MAP] = WORDS("nested quant_map is", "a nested quant_map"),
    [SCHEME_ORDER] = WORDS("weight_format is", "a weight_format"),
    [SCHEME_LOW_RANK] = WORDS("low-rank part is", "a low-rank part"),
    [SCHEME_OTHER] = WORDS("companion is", "an unknown companion"),
    [SCHEME_ACTIVATION] = WORDS("activation scale is", "an activation scale"),
};

const char *mxfs_scheme_config_string(const struct mxfs_quant_config *config, const char *key)
{
    const char *at = config->strings, *found = "";

    while (at && *at) { /* the last member of a name counts, as in Python */
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, key) == 0)
            found = value;
        at = value + strlen(value) + 1;
    }
    return found;
}

/* Lists. */

bool scheme_list_has(const char *list, const char *text, size_t len)
{
    for (const char *name = list; name; name = strchr(name, ',')) {
        name += *name == ',';
        if (strncmp(name, text, len) == 0 && (name[len] == '\0' || name[len] == ','))
            return true;
    }
    return false;
}

bool mxfs_scheme_decodes(const struct mxfs_scheme *scheme)
{
    return scheme->fit != NULL;
}

bool mxfs_scheme_is_listed(const struct mxfs_scheme *scheme, const char *names)
{
    return mxfs_scheme_decodes(scheme) &&
           scheme_list_has(names, scheme->name, strlen(scheme->name));
}

static bool is_known(const char *name, size_t len)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (mxfs_scheme_decodes(*s) && strncmp((*s)->name, name, len) == 0 && !(*s)->name[len])
            return true;
    }
    return false;
}

bool mxfs_scheme_are_known(const char *names)
{
    size_t len = strcspn(names, ",");

    while (is_known(names, len) && names[len] == ',') {
        names += len + 1;
        len = strcspn(names, ",");
    }
    return is_known(names, len);
}

bool mxfs_scheme_knows_method(const char *method)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (scheme_list_has((*s)->methods, method, strlen(method)))
            return true;
    }
    return method[0] == '\0';
}

const char *mxfs_scheme_names(char out[MXFS_SCHEME_NAMES])
{
    size_t n = 0;

    out[0] = '\0';
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s && n < MXFS_SCHEME_NAMES; s++) {
        if (mxfs_scheme_decodes(*s))
            n +=
                (size_t)snprintf(out + n, MXFS_SCHEME_NAMES - n, "%s%s", n ? ", " : "", (*s)->name);
    }
    return out;
}

/* The table of formats. */

static const struct scheme_form *form_at(size_t index, const struct mxfs_scheme **scheme)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        for (const struct scheme_form *f = (*s)->forms; f->part[0].suffix; f++) {
            *scheme = *s;
            if (index-- == 0)
                return f;
        }
    }
    return NULL;
}

/* The text before suffixes: "X" of X.weight, "X." where they have no dot, "P" of P_scale. */
static const char *stem_of(const struct scheme_form *form)
{
    const char *suffix = form->reason ? form->part[0].suffix : form->output;

    return strcmp(suffix, "weight") == 0 ? "X." : suffix[0] == '.' ? "X" : "P";
}

/* Whether part `i` is an alternative to the one before it. */
static bool is_alternative(const struct scheme_form *form, size_t i)
{
    return i > 1 && form->part[i].suffix && form->part[i].role == form->part[i - 1].role;
}

static void print_parts(const struct scheme_form *form, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; form->part[i].suffix && used < size; i++) {
        const struct scheme_part *p = &form->part[i];
        bool optional = i > 0 && !form->reason && !(p->flags & (SCHEME_TELLS | SCHEME_NEEDED));
        const char *before = i == 0                    ? ""
                             : is_alternative(form, i) ? " or "
                             : optional                ? " [+ "
                                                       : " + ";
        if (p->role != SCHEME_ACTIVATION)
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s%s%s", before, stem_of(form),
                                 p->suffix, optional && !is_alternative(form, i + 1) ? "]" : "");
    }
}

bool mxfs_scheme_row(size_t index, struct mxfs_scheme_row *row)
{
    const struct scheme_form *form = form_at(index, &row->scheme);

    if (!form)
        return false;
    row->name = form->name ? form->name : row->scheme->name;
    row->reason = form->reason;
    print_parts(form, row->parts, sizeof(row->parts));
    snprintf(row->output, sizeof(row->output), "%s%s", stem_of(form), form->output);
    return true;
}
