/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Programs for fuzz_folder.c.
 */
#include "program.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/dtype.h"
#include "mxfs/json.h"

enum {
    TENSORS_MAX = 3000,     /* in all */
    TEXT_MAX = 1 << 20,     /* bytes of names */
    RANK_MAX = 72,          /* some more than are accepted */
    SHARDS = 3,             /* shards and single files */
    WRITTEN_MAX = 64 << 10, /* bytes of a tensor that are not a hole */
    PARTS = 6,              /* of a group */
};

/* Families of formats: names, types and shapes of the parts of a group. In shapes N and K are the
 * dimensions of the weight, E those before, G the size of a group; N/8 rounds up. "=" says what a
 * tensor holds: s the shape N, K; g the group of each column; q bitsandbytes' description. */
static const struct recipe {
    const char *parts;
    const char *config;
} recipes[] = {
    {"down_proj_blocks U8 E,N,K/32,16;down_proj_scales U8 E,N,K/32",
     "\"model_type\":\"gpt_oss\",\"quantization_config\":{\"quant_method\":\"mxfp4\"}"},
    {"weight_packed U8 N,K/2;weight_scale U8 N,K/32",
     "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":"
     "\"mxfp4-pack-quantized\"}"},
    {"weight_blocks U8 N,K/32,16;weight_scales U8 N,K/32", ""},
    {"weight F8_E4M3 N,K;weight_scale_inv F32 N/128,K/128",
     "\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]},"
     "\"torch_dtype\":\"bfloat16\""},
    {"weight F8_E4M3 N,K;weight_scale F32 N;pre_quant_scale F32 K", ""},
    {"weight F8_E4M3 N,K;weight_scale BF16 N,1", ""},
    {"weight F8_E4M3 E,N,K;weight_scale_inv F32 E,K", ""},
    {"weight F8_E4M3 N,K;weight_scale U8 N,K/32", ""},
    {"weight U8 N,K/2;weight_scale F8_E4M3 N,K/16;weight_scale_2 F32 1;pre_quant_scale F32 K",
     "\"quantization_config\":{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\"}"},
    {"gate_up_proj U8 E,N/2,K;gate_up_proj_weight_scale F8_E4M3 E,N/16,K;"
     "gate_up_proj_weight_scale_2 F32 E",
     ""},
    {"weight_packed I32 N,K/8;weight_scale BF16 N,K/G;weight_zero_point I32 N/8,K/G;"
     "weight_shape I64 2=s;weight_g_idx I32 K=g",
     "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":"
     "\"pack-quantized\",\"config_groups\":{\"g\":{\"weights\":{\"num_bits\":4,\"group_size\":32,"
     "\"symmetric\":false,\"type\":\"int\"}}}}"},
    {"weight I8 N,K;weight_scale F16 N,K/G;weight_zero_point I8 N,K/G;weight_g_idx I32 K=g",
     "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":"
     "\"int-quantized\"}"},
    {"weight I8 N,K;weight_scale F32 N;pre_quant_scale F32 K",
     "\"quantization_config\":{\"quant_method\":\"modelopt\",\"quant_algo\":\"INT8_SQ\"}"},
    {"qweight I32 K/8,N;qzeros I32 K/G,N/8;scales F16 K/G,N;g_idx I32 K=g",
     "\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":32}"},
    {"qweight I32 K,N/8;qzeros I32 K/G,N/8;scales F16 K/G,N",
     "\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4,\"group_size\":32}"},
    {"weight U8 N/2,K;weight_scale F32 N,K/G;pre_quant_scale BF16 K;weight_scale_2 F32 1",
     "\"quantization_config\":{\"quant_method\":\"modelopt\",\"quant_algo\":\"W4A16_AWQ\"}"},
    {"weight U32 N,K/8;scales BF16 N,K/G;biases BF16 N,K/G",
     "\"quantization\":{\"group_size\":32,\"bits\":4,\"mode\":\"affine\"}"},
    {"weight U32 N,K/8;scales U8 N,K/32",
     "\"quantization\":{\"group_size\":32,\"bits\":4,\"mode\":\"mxfp4\"}"},
    {"weight U8 N*K/2,1;weight.absmax F32 N*K/64;weight.quant_map F32 16;"
     "weight.quant_state.bitsandbytes__nf4 U8 96=q",
     "\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}"},
    {"weight I8 N,K;SCB F32 N", "\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}"},
    {"weight_packed U8 N,K*3/4;weight_scale U8 N,K/32",
     "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":"
     "\"mxfp6-pack-quantized\"}"},
};

/* Small ones, those around the sizes of tiles, and some that are far too large. */
static const uint32_t dims[] = {1,    2,     3,     5,      7,       8,       16,   31,
                                32,   33,    48,    64,     65,      96,      127,  128,
                                129,  160,   256,   320,    512,     1024,    1111, 4096,
                                8192, 32768, 65536, 100000, 1 << 20, 1 << 26, 0};

static const char *const stems[] = {"model.layers.0.mlp.experts.",
                                    "a.",
                                    "",
                                    "..",
                                    "x/../",
                                    "\xc3\xa9.",
                                    "\x1b[31m.",
                                    "a\n.",
                                    "model.layers.%.",
                                    "0.0.0.0."};

static const char *const members[] = {
    "\"bits\":8",
    "\"bits\":0",
    "\"bits\":\"4\"",
    "\"group_size\":-1",
    "\"group_size\":64",
    "\"quant_method\":\"gptq\"",
    "\"quant_method\":null",
    "\"torch_dtype\":\"float16\"",
    "\"dtype\":\"float32\"",
    "\"dtype\":NaN",
    "\"text_config\":{}",
    "\"text_config\":{\"dtype\":1}",
    "\"quantization_config\":{}",
    "\"quantization_config\":[]",
    "\"model_type\":\"gpt_oss\"",
    "\"weight_block_size\":[1,1]",
    "\"weight_block_size\":[0,0]",
    "\"checkpoint_format\":\"gptq_v2\"",
    "\"desc_act\":true",
    "\"packing_format\":\"auto_round:auto_awq\"",
    "\"format\":\"x\"",
    "\"transform_config\":{\"config_groups\":{\"a\":1}}",
    "\"expert_dtype\":\"fp4\"",
    "\"x_config\":{\"y_config\":{\"z_config\":{\"w_config\":{\"v_config\":{}}}}}",
    "\"\\ud800\":1e999",
};

/* Text that grows up to a bound. */
struct text {
    char *data;
    size_t len, capacity;
};

struct tensor {
    char *name;
    size_t name_len;
    uint64_t shape[RANK_MAX];
    unsigned rank;
    enum mxfs_dtype dtype;
    unsigned shard;
    char holds; /* as in recipes; 0: a pattern */
    uint64_t n, k, g;
};

struct maker {
    const uint8_t *at, *end;
    struct tensor *tensors;
    size_t count, text_used;
    struct text config, extra; /* members of config.json, and of its quantization_config */
    struct text index;         /* members of weight_map */
    size_t index_entries;
    bool with_index, with_config;
    struct damage {
        uint8_t what, where, byte;
    } damage[16];
    size_t damages;
};

static unsigned next(struct maker *m)
{
    return m->at < m->end ? *m->at++ : 0;
}

static void add_bytes(struct text *t, const char *data, size_t len)
{
    if (t->len + len > TEXT_MAX)
        return;
    if (t->len + len >= t->capacity) {
        t->capacity = 2 * (t->len + len) + 64;
        t->data = realloc(t->data, t->capacity);
        if (!t->data)
            abort();
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
}

static void add(struct text *t, const char *s)
{
    add_bytes(t, s, strlen(s));
}

static void add_number(struct text *t, uint64_t n)
{
    char digits[24];
    add_bytes(t, digits, (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n));
}

static void add_string(struct text *t, const char *s, size_t len)
{
    char escape[8];

    add(t, "\"");
    for (size_t i = 0; i < len; i++) {
        if (mxfs_json_is_plain(s[i]))
            add_bytes(t, s + i, 1);
        else
            add_bytes(t, escape, mxfs_json_escape(s[i], escape));
    }
    add(t, "\"");
}

/* A new tensor with this name, or NULL when there are too many. */
static struct tensor *add_tensor(struct maker *m, const char *name, size_t len)
{
    if (m->count == TENSORS_MAX || m->text_used + len > TEXT_MAX)
        return NULL;
    struct tensor *t = &m->tensors[m->count++];
    memset(t, 0, sizeof(*t));
    t->name = malloc(len + 1);
    if (!t->name)
        abort();
    memcpy(t->name, name, len);
    t->name[len] = '\0';
    t->name_len = len;
    m->text_used += len;
    return t;
}

/* The dimensions of a group. */
struct size {
    uint64_t e, n, k, g;
};

/* A number or the letter of a dimension; moves *p past it. */
static uint64_t read_term(const char **p, const struct size *s)
{
    char c = *(*p)++;
    uint64_t value = (uint64_t)(c - '0');

    if (c < '0' || c > '9')
        return c == 'E' ? s->e : c == 'N' ? s->n : c == 'K' ? s->k : s->g;
    for (; **p >= '0' && **p <= '9'; ++*p)
        value = value * 10 + (uint64_t)(**p - '0');
    return value;
}

/* Evaluates "K/32", "N*K/2" or "16", from left to right; divisions round up. */
static uint64_t evaluate(const char **p, const struct size *s)
{
    uint64_t value = read_term(p, s);

    while (**p == '*' || **p == '/') {
        char op = *(*p)++;
        uint64_t term = read_term(p, s);
        value = op == '*' ? value * term : mxfs_ceil_div(value, term ? term : 1);
    }
    return value;
}

/* Adds the part at *p, which ends in ';' or NUL. */
static struct tensor *add_part(struct maker *m, const char **p, const char *stem,
                               const struct size *s)
{
    char name[512], dtype[16];
    const char *space = strchr(*p, ' ');
    int len = snprintf(name, sizeof(name), "%s%.*s", stem, (int)(space - *p), *p);
    const char *type = space + 1, *shape = strchr(type, ' ') + 1;

    snprintf(dtype, sizeof(dtype), "%.*s", (int)(shape - 1 - type), type);
    struct tensor *t = add_tensor(m, name, (size_t)len);
    struct tensor unused = {0}, *to = t ? t : &unused;
    to->dtype = (enum mxfs_dtype)mxfs_dtype_from_name(dtype, strlen(dtype));
    for (*p = shape;; ++*p) {
        to->shape[to->rank++] = evaluate(p, s);
        if (**p != ',')
            break;
    }
    if (**p == '=') {
        to->holds = (*p)[1];
        *p += 2;
    }
    *p += **p == ';';
    to->n = s->n;
    to->k = s->k;
    to->g = s->g;
    return t;
}

static uint64_t next_dim(struct maker *m)
{
    return dims[next(m) % MXFS_COUNT(dims)];
}

/* A group: recipe, stem, dimensions, and a byte for each part. */
static void add_group(struct maker *m)
{
    const struct recipe *r = &recipes[next(m) % MXFS_COUNT(recipes)];
    const char *stem = stems[next(m) % MXFS_COUNT(stems)], *p = r->parts;
    struct size s = {next_dim(m) % 4, next_dim(m), next_dim(m), next_dim(m)};

    if (m->config.len == 0 && r->config[0]) {
        add(&m->config, r->config);
        m->with_config = true;
    }
    while (*p) {
        unsigned how = next(m);
        struct tensor *t = add_part(m, &p, stem, &s);
        if (!t)
            continue;
        t->shard = how & 3 ? how % 4 % SHARDS : 0;
        if (how >> 2 == 1)
            free(m->tensors[--m->count].name); /* left out */
        else if (how >> 2 == 2)
            t->dtype = (enum mxfs_dtype)(next(m) % MXFS_DTYPE_COUNT);
        else if (how >> 2 == 3)
            t->shape[next(m) % t->rank] = next_dim(m);
        else if (how >> 2 == 4 && t->rank < 8)
            t->shape[t->rank++] = next_dim(m);
        else if (how >> 2 == 5)
            t->holds = 0;
    }
}

/* A plain tensor: its name repeats a stem, its shape a dimension. */
static void add_plain(struct maker *m)
{
    const char *stem = stems[next(m) % MXFS_COUNT(stems)];
    unsigned times = next(m), repeats = next(m), size = (unsigned)strlen(stem);
    char name[16 * 256 + 16];
    size_t len = 0;

    for (unsigned i = 0; i < times && len + size < sizeof(name) - 16; i++, len += size)
        memcpy(name + len, stem, size);
    len += (size_t)snprintf(name + len, sizeof(name) - len, "w%zu", m->count % 10);
    struct tensor *t = add_tensor(m, name, len);
    if (!t)
        return;
    t->dtype = (enum mxfs_dtype)(next(m) % MXFS_DTYPE_COUNT);
    uint64_t dim = next_dim(m);
    for (t->rank = 0; t->rank < repeats % RANK_MAX; t->rank++)
        t->shape[t->rank] = t->rank == 0 ? dim : 1;
    t->shard = next(m) % SHARDS;
}

/* Copies all tensors so far under other names: "1.NAME" and so on, or each nested in the last. */
static void repeat(struct maker *m)
{
    unsigned times = next(m);
    bool nested = next(m) & 1;
    size_t all = m->count;
    char prefix[600] = "";

    for (unsigned i = 1; i <= times; i++) {
        size_t used = nested ? strlen(prefix) : 0;
        snprintf(prefix + used, sizeof(prefix) - used, nested ? "0." : "%u.", i);
        for (size_t j = 0; j < all; j++) {
            char name[5120];
            int len = snprintf(name, sizeof(name), "%s%s", prefix, m->tensors[j].name);
            struct tensor *t = add_tensor(m, name, (size_t)len), *from = &m->tensors[j];
            if (!t)
                return;
            char *own = t->name;
            *t = *from;
            t->name = own;
            t->name_len = (size_t)len;
        }
    }
}

/* A member of config.json, or of its quantization_config; `times` times. */
static void add_member(struct maker *m)
{
    const char *member = members[next(m) % MXFS_COUNT(members)];
    unsigned how = next(m), times = how % 8 == 7 ? how * 16 : 1;
    struct text *to = how & 8 ? &m->extra : &m->config;

    m->with_config = true;
    for (unsigned i = 0; i < times; i++) {
        if (to->len > 0)
            add(to, ",");
        if (times > 1) {
            add(to, "\"k");
            add_number(to, i);
            add(to, "\":\"v\",");
        }
        add(to, member);
    }
}

static const char *const shard_names[] = {"model-1.safetensors",
                                          "model-2.safetensors",
                                          "model-3.safetensors",
                                          "missing.safetensors",
                                          "..",
                                          "a/b.safetensors",
                                          "m\xc3\xa9.safetensors",
                                          ""};

static void add_index_entry(struct maker *m, const char *name, size_t len, const char *shard)
{
    m->with_index = true;
    if (m->index.len > 0)
        add(&m->index, ",");
    add_string(&m->index, name, len);
    add(&m->index, ":");
    add_string(&m->index, shard, strlen(shard));
    m->index_entries++;
}

/* All tensors, or one that may be elsewhere, or many that are nowhere. */
static void add_to_index(struct maker *m)
{
    unsigned how = next(m), which = next(m), shard = next(m);

    if (how % 4 < 2) {
        for (size_t i = 0; i < m->count; i++)
            add_index_entry(m, m->tensors[i].name, m->tensors[i].name_len,
                            shard_names[m->tensors[i].shard]);
    } else if (how % 4 == 2 && m->count > 0) {
        const struct tensor *t = &m->tensors[which % m->count];
        add_index_entry(m, t->name, t->name_len, shard_names[shard % MXFS_COUNT(shard_names)]);
    } else {
        for (unsigned i = 0; i < which * 4; i++) {
            char name[64], file[64];
            int len = snprintf(name, sizeof(name), "n\n%u", i);
            snprintf(file, sizeof(file), "s%u.safetensors", i % (shard + 1));
            add_index_entry(m, name, (size_t)len, file);
        }
    }
}

static void add_damage(struct maker *m)
{
    struct damage d = {(uint8_t)next(m), (uint8_t)next(m), (uint8_t)next(m)};

    if (m->damages < MXFS_COUNT(m->damage))
        m->damage[m->damages++] = d;
}

static void step(struct maker *m)
{
    switch (next(m) % 8) {
    case 0:
    case 1:
        add_group(m);
        return;
    case 2:
        add_plain(m);
        return;
    case 3:
        repeat(m);
        return;
    case 4:
        add_member(m);
        return;
    case 5:
        add_to_index(m);
        return;
    case 6:
        add_damage(m);
        return;
    default:
        m->with_config = !m->with_config;
    }
}

/* Writing. */

/* Texts that may be damaged. */
enum { CONFIG, INDEX, HEADER };

static void write_text(int fd, const struct maker *m, struct text *t, unsigned what)
{
    for (size_t i = 0; i < m->damages; i++) {
        const struct damage *d = &m->damage[i];
        if (d->what % 5 == what && t->len > 0)
            t->data[(size_t)d->where * t->len / 256] = (char)d->byte;
    }
    if (write(fd, t->data, t->len) != (ssize_t)t->len)
        abort();
}

static int create(const char *dir, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        abort();
    return fd;
}

static void write_json(const struct maker *m, const char *dir, const char *name, struct text *t,
                       unsigned what)
{
    int fd = create(dir, name);

    write_text(fd, m, t, what);
    close(fd);
    free(t->data);
}

/* Bytes of a tensor; 0 where they would not fit 40 bits. */
static uint64_t size_of(const struct tensor *t)
{
    uint64_t n = 1;

    for (unsigned i = 0; i < t->rank; i++) {
        if (!mxfs_mul_u64(n, t->shape[i], &n) || n > (uint64_t)1 << 40)
            return 0;
    }
    return n * mxfs_dtype_bits(t->dtype) / 8;
}

static void fill(const struct tensor *t, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 167 + (i >> 8));
    if (t->holds == 's' && size >= 16) {
        mxfs_store_le64(data, t->n);
        mxfs_store_le64(data + 8, t->k);
    }
    for (size_t i = 0; t->holds == 'g' && i + 4 <= size; i += 4) {
        uint32_t group = (uint32_t)(i / 4 / (t->g ? t->g : 1));
        memcpy(data + i, &group, 4);
    }
    if (t->holds == 'q' && size >= 96) {
        memset(data, ' ', size);
        int n = snprintf((char *)data, size,
                         "{\"blocksize\":64,\"dtype\":\"bfloat16\",\"shape\":[%u,%u]}",
                         (unsigned)t->n, (unsigned)t->k);
        data[n] = ' ';
    }
}

static void add_entry(struct text *h, const struct tensor *t, uint64_t at)
{
    if (h->len > 1)
        add(h, ",");
    add_string(h, t->name, t->name_len);
    add(h, ":{\"dtype\":\"");
    add(h, mxfs_dtype_name(t->dtype));
    add(h, "\",\"shape\":[");
    for (unsigned i = 0; i < t->rank; i++) {
        add(h, i ? "," : "");
        add_number(h, t->shape[i]);
    }
    add(h, "],\"data_offsets\":[");
    add_number(h, at);
    add(h, ",");
    add_number(h, at + size_of(t));
    add(h, "]}");
}

static size_t write_shard(const struct maker *m, const char *dir, unsigned shard)
{
    static uint8_t data[WRITTEN_MAX];
    struct text h = {0};
    uint64_t at = 0;
    uint8_t prefix[8];

    add(&h, "{");
    for (size_t i = 0; i < m->count; i++) {
        if (m->tensors[i].shard == shard) {
            add_entry(&h, &m->tensors[i], at);
            at += size_of(&m->tensors[i]);
        }
    }
    if (h.len == 1) {
        free(h.data);
        return 0;
    }
    add(&h, "}");
    int fd = create(dir, shard_names[shard]);
    mxfs_store_le64(prefix, h.len);
    if (write(fd, prefix, 8) != 8)
        abort();
    write_text(fd, m, &h, HEADER + shard);
    size_t text = h.len;
    for (size_t i = 0, from = 8 + text; i < m->count; i++) {
        const struct tensor *t = &m->tensors[i];
        if (t->shard != shard)
            continue;
        size_t size = mxfs_min_u64(size_of(t), WRITTEN_MAX);
        fill(t, data, size);
        if (i < 200 && pwrite(fd, data, size, (off_t)from) != (ssize_t)size)
            break; /* beyond what the filesystem takes */
        from += size_of(t);
    }
    if (ftruncate(fd, (off_t)(8 + text + at)) != 0 && at == 0)
        abort(); /* larger files than the filesystem takes are truncated ones */
    close(fd);
    free(h.data);
    return text;
}

static void write_config(struct maker *m, const char *dir, struct program_result *out)
{
    struct text t = {0};
    char *end;

    add(&t, "{");
    add_bytes(&t, m->config.data ? m->config.data : "", m->config.len);
    /* Members of the quantization config go before its last brace. */
    if (m->extra.len > 0 && (end = memrchr(t.data, '}', t.len))) {
        t.len = (size_t)(end - t.data);
        add(&t, end[-1] == '{' ? "" : ",");
        add_bytes(&t, m->extra.data, m->extra.len);
        add(&t, "}");
    }
    add(&t, "}");
    out->text += t.len;
    write_json(m, dir, "config.json", &t, CONFIG);
}

static void write_index(struct maker *m, const char *dir, struct program_result *out)
{
    struct text t = {0};

    add(&t, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    add_bytes(&t, m->index.data ? m->index.data : "", m->index.len);
    add(&t, "}}");
    out->text += t.len;
    out->tensors += m->index_entries;
    write_json(m, dir, "model.safetensors.index.json", &t, INDEX);
}

void program_run(const char *dir, const uint8_t *data, size_t size, struct program_result *out)
{
    struct maker m = {.at = data, .end = data + size};

    m.tensors = malloc(TENSORS_MAX * sizeof(*m.tensors));
    if (!m.tensors)
        abort();
    *out = (struct program_result){.choices = next(&m)};
    while (m.at < m.end)
        step(&m);
    out->tensors = m.count;
    if (m.count > 0)
        snprintf(out->first, sizeof(out->first), "%s", m.tensors[0].name);
    for (unsigned i = 0; i < SHARDS; i++)
        out->text += write_shard(&m, dir, i);
    if (m.with_config)
        write_config(&m, dir, out);
    if (m.with_index)
        write_index(&m, dir, out);
    for (size_t i = 0; i < m.count; i++)
        free(m.tensors[i].name);
    free(m.tensors);
    free(m.config.data);
    free(m.extra.data);
    free(m.index.data);
}
