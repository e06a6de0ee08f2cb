/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json. quantization_config and dtype may be at the root or in a nested config (text_config,
 * language_config, llm_config, ...).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mxfs/compiler.h"

enum {
    /* Bytes of a config. Real ones have a few kilobytes, or some megabytes where every layer has
     * its own settings. */
    CONFIG_MAX = 16 << 20,
    /* Bytes of the string members of a quantization config, which schemes search once for each
     * group. Real ones have a dozen members. */
    STRINGS_MAX = 8 << 10,
};

/* Whether a member is the config of a part of the model. */
static bool is_nested_config(const char *key, struct model_json value)
{
    size_t n = strlen(key);
    return model_json_kind(value) == '{' && n > 7 && strcmp(key + n - 7, "_config") == 0 &&
           strcmp(key, "quantization_config") != 0 && strcmp(key, "compression_config") != 0;
}

static void copy_string(char *out, size_t size, struct model_json value)
{
    if (out[0] == '\0')
        model_json_string(value, out, size);
}

static int dtype_of(struct model_json value)
{
    char text[32];

    if (!model_json_string(value, text, sizeof(text)))
        return -1;
    const char *s = strncmp(text, "torch.", 6) == 0 ? text + 6 : text;
    if (strcmp(s, "bfloat16") == 0)
        return MXFS_BF16;
    if (strcmp(s, "float16") == 0)
        return MXFS_F16;
    return strcmp(s, "float32") == 0 ? MXFS_F32 : -1;
}

/* A pair of positive integers, or 0, 0. */
static void read_block(uint64_t block[2], struct model_json pair)
{
    struct model_json_walk w = model_json_walk(pair, '[');
    uint64_t n[2];
    size_t count = 0;

    for (; model_json_next(&w); count++) {
        if (count < 2)
            n[count] = model_json_integer(w.value);
    }
    if (count == 2)
        memcpy(block, n, sizeof(n));
}

/* compressed-tensors: block_structure or group_size of the first group that has one. */
static void read_group_block(uint64_t block[2], struct model_json groups)
{
    struct model_json_walk w = model_json_walk(groups, '{');

    while (model_json_next(&w)) {
        struct model_json weights = model_json_get(w.value, "weights");
        uint64_t size = model_json_integer(model_json_get(weights, "group_size"));
        if (block[0] == 0)
            read_block(block, model_json_get(weights, "block_structure"));
        if (block[0] == 0 && size > 0) {
            block[0] = 1;
            block[1] = size;
        }
    }
}

static bool is_int(struct model_json weights)
{
    char type[8];
    return weights.text &&
           (!model_json_string(model_json_get(weights, "type"), type, sizeof(type)) ||
            strcmp(type, "int") == 0);
}

/* compressed-tensors: the integer widths in all groups, as bits. Some groups hold floats. */
static unsigned read_int_bits(struct model_json groups)
{
    struct model_json_walk w = model_json_walk(groups, '{');
    unsigned mask = 0;

    while (model_json_next(&w)) {
        struct model_json weights = model_json_get(w.value, "weights");
        uint64_t bits = model_json_integer(model_json_get(weights, "num_bits"));
        if (is_int(weights) && bits >= 1 && bits <= 8)
            mask |= 1u << bits;
    }
    return mask;
}

/* Whether there are integer groups and all of them are asymmetric. */
static bool read_asymmetric(struct model_json groups)
{
    struct model_json_walk w = model_json_walk(groups, '{');
    bool found = false;

    while (model_json_next(&w)) {
        struct model_json weights = model_json_get(w.value, "weights");
        if (is_int(weights) && model_json_kind(model_json_get(weights, "symmetric")) != 'f')
            return false;
        found = found || is_int(weights);
    }
    return found;
}

/* The first value that is a positive integer; 0 if none is. */
static uint32_t first_positive(const struct model_json *values, size_t count)
{
    uint64_t n = 0;
    for (size_t i = 0; i < count && n == 0; i++)
        n = model_json_integer(values[i]);
    return n <= INT32_MAX ? (uint32_t)n : 0;
}

static void add_width(struct mxfs_quant_config *c, struct mxfs_quant_width width)
{
    for (uint32_t i = 0; i < c->width_count && i < MXFS_WIDTHS_MAX; i++) {
        if (c->widths[i].bits == width.bits && c->widths[i].group == width.group)
            return;
    }
    if (c->width_count < MXFS_WIDTHS_MAX)
        c->widths[c->width_count] = width;
    if (c->width_count <= MXFS_WIDTHS_MAX)
        c->width_count++;
}

/* Collects every width that is given for the model, for groups of layers or for single layers, but
 * not those of activations. */
static void read_widths(struct mxfs_quant_config *c, struct model_json object, int depth)
{
    static const char *const names[] = {"num_bits", "bits", "w_bit", "group_size", "q_group_size"};
    struct model_json found[MXFS_COUNT(names)];
    struct model_json_walk w = model_json_walk(object, '{');

    model_json_find(object, names, found, MXFS_COUNT(names));
    struct mxfs_quant_width width = {first_positive(found, 3), first_positive(found + 3, 2)};
    if (width.bits > 0)
        add_width(c, width);
    while (depth < 4 && model_json_next(&w)) {
        if (model_json_kind(w.value) == '{' && !strstr(w.name, "activations") &&
            strcmp(w.name, "kv_cache_scheme") != 0)
            read_widths(c, w.value, depth + 1);
    }
}

/* Appends "KEY\\0VALUE\\0" to the strings. Fails with -E2BIG at the limit. */
static int add_string(struct mxfs_quant_config *c, size_t *used, const char *key, const char *value)
{
    size_t key_size = strlen(key) + 1, size = key_size + strlen(value) + 1;
    if (*used + size > STRINGS_MAX)
        return -E2BIG;
    char *grown = realloc(c->text, *used + size + 1);
    if (!grown)
        return -ENOMEM;
    memcpy(grown + *used, key, key_size);
    memcpy(grown + *used + key_size, value, size - key_size);
    *used += size;
    grown[*used] = '\0';
    c->strings = c->text = grown;
    return 0;
}

/* Keeps the string members, which schemes ask for by name. Long values are cut: none matters. */
static int read_strings(struct mxfs_quant_config *c, struct model_json q)
{
    struct model_json_walk w = model_json_walk(q, '{');
    size_t used = 0;
    char value[64];
    int rc = 0;

    while (rc == 0 && model_json_next(&w)) {
        if (w.name[0] != '\0' && model_json_string(w.value, value, sizeof(value)))
            rc = add_string(c, &used, w.name, value);
    }
    return rc;
}

static int read_quantization(struct mxfs_quant_config *c, struct model_json q)
{
    enum { METHOD, TRANSFORM, BLOCK, GROUPS, COUNT };
    static const char *const names[COUNT] = {"quant_method", "transform_config",
                                             "weight_block_size", "config_groups"};
    struct model_json found[COUNT];

    c->quantized = true;
    model_json_find(q, names, found, COUNT);
    copy_string(c->method, sizeof(c->method), found[METHOD]);
    read_widths(c, q, 0);
    /* compressed-tensors writes an empty transform_config where there is none. */
    struct model_json_walk transforms =
        model_json_walk(model_json_get(found[TRANSFORM], "config_groups"), '{');
    c->transforms |= model_json_next(&transforms);
    read_block(c->block, found[BLOCK]);
    if (c->block[0] == 0)
        read_group_block(c->block, found[GROUPS]);
    c->int_bits = read_int_bits(found[GROUPS]);
    c->asymmetric = read_asymmetric(found[GROUPS]);
    return read_strings(c, q);
}

static int read_object(struct mxfs_quant_config *c, struct model_json object, int depth)
{
    /* `quantization` is MLX's name. */
    static const char *const names[] = {"dtype", "torch_dtype", "quantization_config",
                                        "compression_config", "quantization"};
    struct model_json found[MXFS_COUNT(names)];
    int rc = 0;

    model_json_find(object, names, found, MXFS_COUNT(names));
    for (size_t i = 0; i < 2 && c->dtype < 0; i++)
        c->dtype = dtype_of(found[i]);
    for (size_t i = 2; i < MXFS_COUNT(names) && !c->quantized; i++) {
        if (model_json_kind(found[i]) == '{')
            rc = read_quantization(c, found[i]);
    }
    /* No real config nests deeper, and a hostile one must not overflow the stack. */
    if (depth == 4)
        return rc;
    struct model_json_walk w = model_json_walk(object, '{');
    while (rc == 0 && model_json_next(&w)) {
        if (is_nested_config(w.name, w.value))
            rc = read_object(c, w.value, depth + 1);
    }
    return rc;
}

/* Sets `out` to the path of `name` in the folder of `path`; false when it is too long. */
static bool sibling(char *out, size_t size, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    int n = snprintf(out, size, "%.*s%s", folder, path, name);
    return n > 0 && (size_t)n < size;
}

/* A config with too many strings is refused rather than cut, since any of them might matter. */
static int fail_strings(int rc, const char *path, struct mxfs_error *err)
{
    if (rc != -E2BIG)
        return rc;
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, E2BIG,
                     "%s: the strings of the quantization config have over %d bytes, which is the "
                     "limit",
                     path, STRINGS_MAX);
}

/* Older GPTQ and AWQ models keep their quantization_config in a separate file. */
static int load_own_file(const char *path, const struct mxfs_reach *reach, const char *name,
                         const char *method, struct mxfs_quant_config *config,
                         struct mxfs_error *err)
{
    char own[4096];
    struct model_json root;
    char *text;

    if (config->quantized || !sibling(own, sizeof(own), path, name))
        return 0;
    const struct model_json_file file = {own, reach, CONFIG_MAX};
    int rc = model_json_load(&root, &text, &file, err);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    rc = fail_strings(read_quantization(config, root), own, err);
    free(text);
    if (config->method[0] == '\0' && config->width_count > 0)
        snprintf(config->method, sizeof(config->method), "%s", method);
    return rc;
}

static int load_root(const char *path, const struct mxfs_reach *reach,
                     struct mxfs_quant_config *config, struct mxfs_error *err)
{
    const struct model_json_file file = {path, reach, CONFIG_MAX};
    struct model_json root;
    char *text;

    int rc = model_json_load(&root, &text, &file, err);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    config->present = true;
    copy_string(config->model_type, sizeof(config->model_type), model_json_get(root, "model_type"));
    rc = fail_strings(read_object(config, root, 0), path, err);
    free(text);
    return rc;
}

int model_config_load(const char *path, const struct mxfs_reach *reach,
                      struct mxfs_quant_config *config, struct mxfs_error *err)
{
    memset(config, 0, sizeof(*config));
    config->dtype = -1;
    int rc = load_root(path, reach, config, err);
    if (rc == 0)
        rc = load_own_file(path, reach, "quantize_config.json", "gptq", config, err);
    if (rc == 0)
        rc = load_own_file(path, reach, "quant_config.json", "awq", config, err);
    if (rc != 0)
        model_config_fini(config);
    return rc == -ENOMEM ? mxfs_fail_memory(err, path) : rc;
}

void model_config_fini(struct mxfs_quant_config *config)
{
    free(config->text);
    config->text = NULL;
    config->strings = NULL;
}
