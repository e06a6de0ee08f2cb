/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: quantization_config and dtype may be at the root or in a nested model config
 * (text_config, language_config, llm_config, ...).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mxfs/compiler.h"

/* Members that hold the config of a part of the model. */
static bool is_nested_config(const char *key, json_t *value)
{
    size_t n = strlen(key);
    return json_is_object(value) && n > 7 && strcmp(key + n - 7, "_config") == 0 &&
           strcmp(key, "quantization_config") != 0 && strcmp(key, "compression_config") != 0;
}

static void copy_string(char *out, size_t size, json_t *value)
{
    const char *s = json_string_value(value);
    if (s && out[0] == '\0')
        snprintf(out, size, "%s", s);
}

static int dtype_of(json_t *value)
{
    const char *s = json_string_value(value);
    if (!s)
        return -1;
    if (strncmp(s, "torch.", 6) == 0)
        s += 6;
    if (strcmp(s, "bfloat16") == 0)
        return MXFS_BF16;
    if (strcmp(s, "float16") == 0)
        return MXFS_F16;
    return strcmp(s, "float32") == 0 ? MXFS_F32 : -1;
}

/* A pair of positive integers, or 0, 0. */
static void read_block(uint64_t block[2], json_t *pair)
{
    for (size_t i = 0; i < 2 && json_array_size(pair) == 2; i++) {
        json_int_t n = json_integer_value(json_array_get(pair, i));
        block[i] = n > 0 ? (uint64_t)n : 0;
    }
}

/* compressed-tensors: block_structure or group_size of the first group that has one. */
static void read_group_block(uint64_t block[2], json_t *groups)
{
    const char *key;
    json_t *group;

    json_object_foreach(groups, key, group)
    {
        json_t *weights = json_object_get(group, "weights");
        json_int_t size = json_integer_value(json_object_get(weights, "group_size"));
        if (block[0] == 0)
            read_block(block, json_object_get(weights, "block_structure"));
        if (block[0] == 0 && size > 0) {
            block[0] = 1;
            block[1] = (uint64_t)size;
        }
    }
}

static bool is_int(json_t *weights)
{
    const char *type = json_string_value(json_object_get(weights, "type"));
    return weights && (!type || strcmp(type, "int") == 0);
}

/* compressed-tensors: the widths of integers in all groups; some are of float. */
static unsigned read_int_bits(json_t *groups)
{
    const char *key;
    json_t *group;
    unsigned mask = 0;

    json_object_foreach(groups, key, group)
    {
        json_t *weights = json_object_get(group, "weights");
        json_int_t bits = json_integer_value(json_object_get(weights, "num_bits"));
        if (is_int(weights) && bits >= 1 && bits <= 8)
            mask |= 1u << bits;
    }
    return mask;
}

/* Whether there are groups of integers, and all of them are asymmetric. */
static bool read_asymmetric(json_t *groups)
{
    const char *key;
    json_t *group;
    bool found = false;

    json_object_foreach(groups, key, group)
    {
        json_t *weights = json_object_get(group, "weights");
        if (is_int(weights) && !json_is_false(json_object_get(weights, "symmetric")))
            return false;
        found = found || is_int(weights);
    }
    return found;
}

static const char *const bits_keys[] = {"num_bits", "bits", "w_bit"};
static const char *const group_keys[] = {"group_size", "q_group_size"};

static uint32_t positive_of(json_t *object, const char *const *keys, size_t count)
{
    json_int_t n = 0;
    for (size_t i = 0; i < count && n == 0; i++)
        n = json_integer_value(json_object_get(object, keys[i]));
    return n > 0 && n <= INT32_MAX ? (uint32_t)n : 0;
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

/* Reads the widths of the model, of groups of layers and of single layers: all that are mentioned,
 * except those of activations. */
static void read_widths(struct mxfs_quant_config *c, json_t *object, int depth)
{
    struct mxfs_quant_width width = {positive_of(object, bits_keys, MXFS_COUNT(bits_keys)),
                                     positive_of(object, group_keys, MXFS_COUNT(group_keys))};
    const char *key;
    json_t *value;

    if (width.bits > 0)
        add_width(c, width);
    json_object_foreach(object, key, value)
    {
        if (json_is_object(value) && depth < 4 && !strstr(key, "activations") &&
            strcmp(key, "kv_cache_scheme") != 0)
            read_widths(c, value, depth + 1);
    }
}

/* Appends "KEY\\0VALUE\\0" to the text that ends with an empty key. */
static int add_string(struct mxfs_quant_config *c, size_t *used, const char *key, const char *value)
{
    size_t key_size = strlen(key) + 1, size = key_size + strlen(value) + 1;
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

/* All string members: schemes know which of them matter. */
static int read_strings(struct mxfs_quant_config *c, json_t *q)
{
    const char *key;
    json_t *value;
    size_t used = 0;
    int rc = 0;

    json_object_foreach(q, key, value)
    {
        if (rc == 0 && json_is_string(value) && key[0] != '\0')
            rc = add_string(c, &used, key, json_string_value(value));
    }
    return rc;
}

static int read_quantization(struct mxfs_quant_config *c, json_t *q)
{
    json_t *transform = json_object_get(q, "transform_config");

    c->quantized = true;
    copy_string(c->method, sizeof(c->method), json_object_get(q, "quant_method"));
    read_widths(c, q, 0);
    /* compressed-tensors writes an empty transform_config where there is none. */
    if (json_object_size(json_object_get(transform, "config_groups")) > 0)
        c->transforms = true;
    read_block(c->block, json_object_get(q, "weight_block_size"));
    if (c->block[0] == 0)
        read_group_block(c->block, json_object_get(q, "config_groups"));
    c->int_bits = read_int_bits(json_object_get(q, "config_groups"));
    c->asymmetric = read_asymmetric(json_object_get(q, "config_groups"));
    return read_strings(c, q);
}

/* The member of a config that says how it is quantized, or NULL. */
static json_t *find_quantization(json_t *object)
{
    /* The last is MLX's name of the same. */
    static const char *const keys[] = {"quantization_config", "compression_config", "quantization"};
    for (size_t i = 0; i < MXFS_COUNT(keys); i++) {
        json_t *value = json_object_get(object, keys[i]);
        if (json_is_object(value))
            return value;
    }
    return NULL;
}

static int read_object(struct mxfs_quant_config *c, json_t *object, int depth)
{
    json_t *quantization = c->quantized ? NULL : find_quantization(object);
    int rc = quantization ? read_quantization(c, quantization) : 0;
    const char *key;
    json_t *value;

    if (c->dtype < 0)
        c->dtype = dtype_of(json_object_get(object, "dtype"));
    if (c->dtype < 0)
        c->dtype = dtype_of(json_object_get(object, "torch_dtype"));
    /* No real config nests deeper; the bound keeps a hostile one off the stack. */
    if (depth == 4)
        return rc;
    json_object_foreach(object, key, value)
    {
        if (rc == 0 && is_nested_config(key, value))
            rc = read_object(c, value, depth + 1);
    }
    return rc;
}

/* The file `name` in the folder of the one at `path`; false when that is too long. */
static bool sibling(char *out, size_t size, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    int n = snprintf(out, size, "%.*s%s", folder, path, name);
    return n > 0 && (size_t)n < size;
}

/* Older GPTQ and AWQ models keep their quantization_config in a file of its own. */
static int load_own_file(const char *path, const struct mxfs_reach *reach, const char *name,
                         const char *method, struct mxfs_quant_config *config,
                         struct mxfs_error *err)
{
    char own[4096];
    json_t *root;

    if (config->quantized || !sibling(own, sizeof(own), path, name))
        return 0;
    int rc = mxfs_json_load(own, reach, &root, err);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    rc = read_quantization(config, root);
    json_decref(root);
    if (config->method[0] == '\0' && config->width_count > 0)
        snprintf(config->method, sizeof(config->method), "%s", method);
    return rc;
}

static int load_root(const char *path, const struct mxfs_reach *reach,
                     struct mxfs_quant_config *config, struct mxfs_error *err)
{
    json_t *root;

    int rc = mxfs_json_load(path, reach, &root, err);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    config->present = true;
    copy_string(config->model_type, sizeof(config->model_type),
                json_object_get(root, "model_type"));
    rc = read_object(config, root, 0);
    json_decref(root);
    return rc;
}

int mxfs_config_load(const char *path, const struct mxfs_reach *reach,
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
        mxfs_config_fini(config);
    return rc == -ENOMEM ? mxfs_fail_memory(err, path) : rc;
}

void mxfs_config_fini(struct mxfs_quant_config *config)
{
    free(config->text);
    config->text = NULL;
    config->strings = NULL;
}
