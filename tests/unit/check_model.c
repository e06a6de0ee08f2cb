/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening models: reading config.json, in Python's dialect; one file, or the shards of an index;
 * copies that the index does not mention; missing and hostile shards.
 */
#include "mxfs/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/config.h"
#include "mxfs/compiler.h"
#include "support/spec.h"

static const struct mxfs_choices automatic = {.unit_max = 1 << 20};

static void write_model(const char *dir, const char *name, const char *tensors)
{
    struct spec *spec = spec_new_filled(tensors);
    spec_write(spec, dir, name);
    spec_free(spec);
}

/* Configs. */

/** A config.json and how it should be read. */
struct config_case {
    const char *json;
    struct mxfs_quant_config expected;
};

static const struct config_case configs[] = {
    {"{}", {.present = true, .dtype = -1}},
    {" {\"model_type\":\"gpt_oss\",\n\"quantization_config\":{\"quant_method\":\"mxfp4\"}} ",
     {.present = true, .quantized = true, .model_type = "gpt_oss", .method = "mxfp4", .dtype = -1}},
    /* dtype: both keys, both spellings; the root is preferred to nested configs */
    {"{\"torch_dtype\":\"bfloat16\"}", {.present = true, .dtype = MXFS_BF16}},
    {"{\"dtype\":\"torch.float32\"}", {.present = true, .dtype = MXFS_F32}},
    {"{\"torch_dtype\":\"float32\",\"dtype\":\"float16\"}", {.present = true, .dtype = MXFS_F16}},
    {"{\"dtype\":\"auto\",\"torch_dtype\":null}", {.present = true, .dtype = -1}},
    {"{\"text_config\":{\"dtype\":\"float32\"}}", {.present = true, .dtype = MXFS_F32}},
    {"{\"text_config\":{\"dtype\":\"float32\"},\"torch_dtype\":\"bfloat16\"}",
     {.present = true, .dtype = MXFS_BF16}},
    {"{\"quantization_config\":{\"dtype\":\"float32\"}}",
     {.present = true, .quantized = true, .dtype = -1}},
    /* nested configs, even two levels deep; only the root names the model */
    {"{\"model_type\":\"a\",\"llm_config\":{\"model_type\":\"b\",\"text_config\":"
     "{\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128,64]}}}}",
     {.present = true,
      .quantized = true,
      .model_type = "a",
      .method = "fp8",
      .block = {128, 64},
      .dtype = -1}},
    {"{\"compression_config\":{\"quant_method\":\"compressed-tensors\"}}",
     {.present = true, .quantized = true, .method = "compressed-tensors", .dtype = -1}},
    /* AutoRound */
    {"{\"quantization_config\":{\"quant_method\":\"auto-round\",\"data_type\":\"mx_int\"}}",
     {.present = true,
      .quantized = true,
      .method = "auto-round",
      .strings = "data_type\0mx_int\0",
      .dtype = -1}},
    /* transforms: an empty config of them means none */
    {"{\"quantization_config\":{\"transform_config\":{}}}",
     {.present = true, .quantized = true, .dtype = -1}},
    {"{\"quantization_config\":{\"transform_config\":{\"config_groups\":{}}}}",
     {.present = true, .quantized = true, .dtype = -1}},
    {"{\"quantization_config\":{\"transform_config\":{\"config_groups\":{\"R1\":{}}}}}",
     {.present = true, .quantized = true, .transforms = true, .dtype = -1}},
    /* block sizes of other shapes are ignored */
    {"{\"quantization_config\":{\"weight_block_size\":null}}",
     {.present = true, .quantized = true, .dtype = -1}},
    {"{\"quantization_config\":{\"weight_block_size\":[128]}}",
     {.present = true, .quantized = true, .dtype = -1}},
    {"{\"quantization_config\":{\"weight_block_size\":[1,32]}}",
     {.present = true, .quantized = true, .block = {1, 32}, .dtype = -1}},
    /* members of the wrong type are ignored */
    {"{\"model_type\":7,\"quantization_config\":[],\"dtype\":{},\"text_config\":3}",
     {.present = true, .dtype = -1}},
    {"{\"quantization_config\":null}", {.present = true, .dtype = -1}},
    {"{\"quantization_config\":{\"quant_method\":null,\"data_type\":4}}",
     {.present = true, .quantized = true, .dtype = -1}},
    /* Python's numbers, and the same words in strings */
    {"{\"a\":NaN,\"b\":[Infinity,-Infinity,1e-05],\"c\":\"NaN Infinity \\\" NaN\","
     "\"model_type\":\"NaN\",\"d\":123456789012345678901234567890}",
     {.present = true, .model_type = "NaN", .dtype = -1}},
};

static void check_config(const struct mxfs_quant_config *got, const struct mxfs_quant_config *want)
{
    ck_assert_int_eq(got->present, want->present);
    ck_assert_int_eq(got->quantized, want->quantized);
    ck_assert_int_eq(got->transforms, want->transforms);
    ck_assert_str_eq(got->model_type, want->model_type);
    ck_assert_str_eq(got->method, want->method);
    ck_assert_str_eq(mxfs_scheme_config_string(got, "data_type"),
                     mxfs_scheme_config_string(want, "data_type"));
    ck_assert_uint_eq(got->block[0], want->block[0]);
    ck_assert_uint_eq(got->block[1], want->block[1]);
    ck_assert_int_eq(got->dtype, want->dtype);
}

START_TEST(each_config)
{
    struct test_path dir = test_folder();
    struct test_path path = test_write_text(dir.text, "config.json", configs[_i].json);
    struct mxfs_quant_config config;
    struct mxfs_error err = {0};

    ck_assert_msg(model_config_load(path.text, NULL, &config, &err) == 0, "%s", err.text);
    check_config(&config, &configs[_i].expected);
    model_config_fini(&config);
}
END_TEST

START_TEST(config_strings)
{
    struct test_path dir = test_folder();
    struct test_path path = test_write_text(
        dir.text, "config.json",
        "{\"a\":\"b\",\"quantization_config\":{\"version\":\"GEMM\",\"n\":1,\"e\":\"\",\"\":\"x\","
        "\"o\":{\"p\":\"q\"},\"checkpoint_format\":\"gptq_v2\"}}");
    struct mxfs_quant_config config;
    struct mxfs_error err = {0};

    ck_assert_msg(model_config_load(path.text, NULL, &config, &err) == 0, "%s", err.text);
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "version"), "GEMM");
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "checkpoint_format"), "gptq_v2");
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "e"), "");
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "a"), "");
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "p"), "");
    ck_assert_str_eq(mxfs_scheme_config_string(&config, "GEMM"), "");
    model_config_fini(&config);
}
END_TEST

START_TEST(no_config)
{
    struct test_path dir = test_folder(), path = test_join(dir.text, "config.json");
    struct mxfs_quant_config config;
    struct mxfs_error err = {0};

    ck_assert_int_eq(model_config_load(path.text, NULL, &config, &err), 0);
    check_config(&config, &(struct mxfs_quant_config){.dtype = -1});
}
END_TEST

START_TEST(broken_configs)
{
    static const char *const broken[] = {"",         "[]",         "null",    "{\"a\":}",
                                         "{\"a\":1", "{\"a\":Na}", "{} {}",   "{\"a\":\"\xff\"}",
                                         "{'a':1}",  "{\"a\":1,}", "Infinity"};
    struct test_path dir = test_folder();

    for (size_t i = 0; i < MXFS_COUNT(broken); i++) {
        struct mxfs_quant_config config;
        struct mxfs_error err = {0};
        struct test_path path = test_write_text(dir.text, "config.json", broken[i]);
        ck_assert_msg(model_config_load(path.text, NULL, &config, &err) < 0, "%s", broken[i]);
        ck_assert_int_eq(err.code, MXFS_EXIT_MALFORMED);
        ck_assert_ptr_nonnull(strstr(err.text, "config.json"));
    }
}
END_TEST

/* A hostile config neither overflows the stack nor a field. */
START_TEST(hostile_configs)
{
    struct test_path dir = test_folder();
    struct mxfs_quant_config config;
    struct mxfs_error err = {0};
    char *json = NULL;
    size_t len;
    FILE *out = open_memstream(&json, &len);

    for (int i = 0; i < 1500; i++)
        fputs("{\"a_config\":", out);
    fputs("{\"dtype\":\"float32\"}", out);
    for (int i = 0; i < 1500; i++)
        fputc('}', out);
    fclose(out);
    struct test_path path = test_write_text(dir.text, "config.json", json);
    if (model_config_load(path.text, NULL, &config, &err) == 0)
        ck_assert_int_eq(config.dtype, -1); /* too deep to be considered */
    free(json);
    json = NULL;
    out = open_memstream(&json, &len);
    fprintf(out, "{\"model_type\":\"%0500d\"}", 7);
    fclose(out);
    path = test_write_text(dir.text, "config.json", json);
    ck_assert_int_eq(model_config_load(path.text, NULL, &config, &err), 0);
    ck_assert_uint_eq(strlen(config.model_type), sizeof(config.model_type) - 1);
    free(json);
}
END_TEST

/* Models. */

/* Opens a file that must open. */
static void open_right(struct mxfs_model *m, const char *dir, const char *file)
{
    struct mxfs_error err = {0};
    struct test_path path = test_join(dir, file);

    ck_assert_msg(mxfs_model_open_file(m, path.text, &automatic, &err) == 0, "%s", err.text);
    ck_assert_int_eq(err.code, MXFS_EXIT_OK);
}

static void check_wrong(const char *dir, const char *file, enum mxfs_exit code, const char *part)
{
    struct mxfs_model m;
    struct mxfs_error err = {0};
    struct test_path path = test_join(dir, file);

    ck_assert_int_lt(mxfs_model_open_file(&m, path.text, &automatic, &err), 0);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.text, part), "\"%s\" lacks \"%s\"", err.text, part);
    mxfs_model_close(&m); /* closed already: does nothing */
}

static const struct mxfs_tensor *find(const struct mxfs_model *m, const char *name)
{
    size_t i = mxfs_tensors_find(&m->tensors, 0, name, strlen(name), "");
    return i == MXFS_NOT_FOUND ? NULL : m->tensors.sorted[i];
}

START_TEST(a_single_file)
{
    struct test_path dir = test_folder();
    struct mxfs_model m;

    write_model(dir.text, "model.safetensors", "b F32 2; a_blocks U8 1,16; a_scales U8 1");
    open_right(&m, dir.text, "model.safetensors");
    ck_assert_uint_eq(m.shard_count, 1);
    ck_assert_uint_eq(m.main, 0);
    ck_assert_uint_eq(m.missing, 0);
    ck_assert_ptr_null(m.index_path);
    ck_assert(!m.restricted && !m.has_stale && !m.config.present);
    ck_assert_uint_eq(m.tensors.count, 3);
    ck_assert_uint_eq(m.grouping.count, 1);
    ck_assert_int_eq(m.grouping.groups[0].out, MXFS_OUT_BF16);
    mxfs_model_close(&m);
    mxfs_model_close(&m);
}
END_TEST

START_TEST(output_types)
{
    static const struct {
        const char *config; /* NULL for none */
        int asked;
        enum mxfs_out out;
    } cases[] = {
        {NULL, MXFS_CHOOSE_AUTO, MXFS_OUT_BF16},
        {"{\"dtype\":\"bfloat16\"}", MXFS_CHOOSE_AUTO, MXFS_OUT_BF16},
        {"{\"torch_dtype\":\"float32\"}", MXFS_CHOOSE_AUTO, MXFS_OUT_F32},
        {"{\"text_config\":{\"dtype\":\"float32\"}}", MXFS_CHOOSE_AUTO, MXFS_OUT_F32},
        {"{\"dtype\":\"float16\"}", MXFS_CHOOSE_AUTO,
         MXFS_OUT_BF16}, /* E8M0 scales do not fit F16 */
        {"{\"dtype\":\"float32\"}", MXFS_CHOOSE_F16, MXFS_OUT_F16},
        {NULL, MXFS_CHOOSE_F32, MXFS_OUT_F32},
    };

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        struct test_path dir = test_folder();
        struct mxfs_choices options = {.dtype = cases[i].asked};
        struct mxfs_error err = {0};
        struct mxfs_model m;
        write_model(dir.text, "m.safetensors", "a_blocks U8 1,16; a_scales U8 1");
        if (cases[i].config)
            test_write_text(dir.text, "config.json", cases[i].config);
        struct test_path path = test_join(dir.text, "m.safetensors");
        ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &options, &err), 0);
        ck_assert_int_eq(m.grouping.groups[0].out, cases[i].out);
        mxfs_model_close(&m);
    }
}
END_TEST

START_TEST(files_that_are_none)
{
    struct test_path dir = test_folder();

    check_wrong(dir.text, "absent.safetensors", MXFS_EXIT_SOURCE, "absent.safetensors");
    ck_assert_int_eq(mkdir(test_join(dir.text, "d.safetensors").text, 0700), 0);
    check_wrong(dir.text, "d.safetensors", MXFS_EXIT_SOURCE, "directory");
    test_write(dir.text, "empty.safetensors", "", 0);
    check_wrong(dir.text, "empty.safetensors", MXFS_EXIT_MALFORMED, "empty.safetensors");
    test_write(dir.text, "short.safetensors", "\x10\0\0\0\0\0\0\0{}", 10);
    check_wrong(dir.text, "short.safetensors", MXFS_EXIT_MALFORMED, "short.safetensors");
    test_write(dir.text, "huge.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    check_wrong(dir.text, "huge.safetensors", MXFS_EXIT_MALFORMED, "huge.safetensors");
    test_write(dir.text, "array.safetensors", "\2\0\0\0\0\0\0\0[]", 10);
    check_wrong(dir.text, "array.safetensors", MXFS_EXIT_MALFORMED, "array.safetensors");
    test_write(dir.text, "good.safetensors", "\2\0\0\0\0\0\0\0{}", 10);
    test_write_text(dir.text, "config.json", "{");
    check_wrong(dir.text, "good.safetensors", MXFS_EXIT_MALFORMED, "config.json");
}
END_TEST

/* Config and index are looked up next to a link, not next to its target. */
START_TEST(links_belong_to_their_own_folder)
{
    struct test_path blobs = test_folder(), dir = test_folder();
    struct mxfs_model m;

    write_model(blobs.text, "0123abcd", "a_blocks U8 1,16; a_scales U8 1");
    test_write_text(blobs.text, "config.json", "{\"dtype\":\"bfloat16\"}");
    test_write_text(dir.text, "config.json", "{\"dtype\":\"float32\"}");
    ck_assert_int_eq(symlink(test_join(blobs.text, "0123abcd").text,
                             test_join(dir.text, "model.safetensors").text),
                     0);
    open_right(&m, dir.text, "model.safetensors");
    ck_assert_int_eq(m.grouping.groups[0].out, MXFS_OUT_F32);
    ck_assert_str_eq(m.shards[0].source.path, test_join(dir.text, "model.safetensors").text);
    mxfs_model_close(&m);
}
END_TEST

/* ComfyUI's marker in the metadata of any shard refuses scaled weights. */
START_TEST(comfy_metadata)
{
    struct test_path dir = test_folder();
    struct mxfs_model m;
    struct spec *spec = spec_new_filled("x.weight U8 4,32; x.weight_scale U8 4,2");

    spec->metadata = "{\"_quantization_metadata\":\"{}\"}";
    spec_write(spec, dir.text, "m.safetensors");
    spec_free(spec);
    open_right(&m, dir.text, "m.safetensors");
    ck_assert_uint_eq(m.grouping.count, 0);
    ck_assert_uint_eq(m.grouping.refusal_count, 1);
    mxfs_model_close(&m);
}
END_TEST

/* Shards. */

/* Two shards and an index; the pair of `a` is split between them. */
static struct test_path make_sharded(const char *index_name)
{
    struct test_path dir = test_folder();

    write_model(dir.text, "m-1.safetensors", "a_blocks U8 1,16; b F32 2");
    write_model(dir.text, "m-2.safetensors", "a_scales U8 1; c F32 2");
    test_write_text(dir.text, index_name,
                    "{\"metadata\":{\"total_size\":NaN},\"weight_map\":{"
                    "\"c\":\"m-2.safetensors\",\"b\":\"m-1.safetensors\","
                    "\"a_scales\":\"m-2.safetensors\",\"a_blocks\":\"m-1.safetensors\"}}");
    return dir;
}

START_TEST(shards_of_an_index)
{
    struct test_path dir = make_sharded("any.safetensors.index.json");
    struct mxfs_model m;

    for (int shard = 1; shard <= 2; shard++) {
        open_right(&m, dir.text, shard == 1 ? "m-1.safetensors" : "m-2.safetensors");
        ck_assert_uint_eq(m.shard_count, 2);
        ck_assert_int_eq((int)m.main, shard - 1);
        ck_assert_uint_eq(m.tensors.count, 4);
        ck_assert_uint_eq(m.grouping.count, 1);
        ck_assert_uint_eq(m.grouping.refusal_count, 0);
        ck_assert_uint_eq(find(&m, "a_blocks")->shard, 0);
        ck_assert_uint_eq(find(&m, "a_scales")->shard, 1);
        ck_assert_str_eq(m.index_path, test_join(dir.text, "any.safetensors.index.json").text);
        mxfs_model_close(&m);
    }
}
END_TEST

START_TEST(alone_whatever_the_index_says)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");
    struct test_path path = test_join(dir.text, "m-1.safetensors");
    struct mxfs_model m;
    struct mxfs_error err = {0};

    ck_assert_int_eq(mxfs_model_open_single(&m, path.text, &automatic, &err), 0);
    ck_assert_uint_eq(m.shard_count, 1);
    ck_assert_uint_eq(m.grouping.count, 0);
    ck_assert_uint_eq(m.grouping.refusal_count, 1);
    ck_assert(m.grouping.refusals[0].half);
    mxfs_model_close(&m);
}
END_TEST

START_TEST(by_index)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");
    struct test_path path = test_join(dir.text, "model.safetensors.index.json");
    struct mxfs_model m;
    struct mxfs_error err = {0};

    ck_assert_int_eq(mxfs_model_open_index(&m, path.text, &automatic, &err), 0);
    ck_assert_uint_eq(m.main, MXFS_NOT_FOUND);
    ck_assert_uint_eq(m.shard_count, 2);
    ck_assert_uint_eq(m.grouping.count, 1);
    mxfs_model_close(&m);
    ck_assert_int_eq(unlink(path.text), 0);
    ck_assert_int_eq(mxfs_model_open_index(&m, path.text, &automatic, &err), -ENOENT);
    ck_assert_int_eq(err.code, MXFS_EXIT_SOURCE);
}
END_TEST

/* A file that no index lists is a model of its own, even next to an index of other files. */
START_TEST(an_index_of_other_files)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");
    struct mxfs_model m;

    write_model(dir.text, "other.safetensors", "b F32 1");
    open_right(&m, dir.text, "other.safetensors");
    ck_assert_uint_eq(m.shard_count, 1);
    ck_assert_uint_eq(m.tensors.count, 1);
    ck_assert_ptr_null(m.index_path);
    mxfs_model_close(&m);
}
END_TEST

START_TEST(stale_copies)
{
    struct test_path dir = test_folder();
    struct mxfs_model m;
    size_t at = 0;

    write_model(dir.text, "m-1.safetensors", "a F32 1; b F32 2; left F32 1");
    write_model(dir.text, "m-2.safetensors", "a F32 3; c F32 2");
    test_write_text(dir.text, "m.safetensors.index.json",
                    "{\"weight_map\":{\"a\":\"m-2.safetensors\",\"b\":\"m-1.safetensors\","
                    "\"c\":\"m-2.safetensors\"}}");
    open_right(&m, dir.text, "m-1.safetensors");
    ck_assert_uint_eq(m.tensors.count, 4); /* includes `left`, which the index does not list */
    ck_assert(m.has_stale);
    ck_assert_uint_eq(find(&m, "a")->shard, 1);
    ck_assert_uint_eq(find(&m, "a")->shape[0], 3);
    for (size_t i = 0; i < m.shards[0].header.count; i++) {
        const struct mxfs_tensor *t = &m.shards[0].header.tensors[i];
        ck_assert_int_eq(mxfs_model_find(&m, t, &at), t->name[0] != 'a');
    }
    mxfs_model_close(&m);
}
END_TEST

/* The opened file's copy is used if the index lists none. */
START_TEST(copies_that_no_index_lists)
{
    struct test_path dir = test_folder();
    struct mxfs_model m;

    write_model(dir.text, "m-1.safetensors", "a F32 1; both U8 1");
    write_model(dir.text, "m-2.safetensors", "b F32 1; both U8 2");
    test_write_text(dir.text, "m.safetensors.index.json",
                    "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}");
    for (uint32_t shard = 0; shard < 2; shard++) {
        open_right(&m, dir.text, shard ? "m-2.safetensors" : "m-1.safetensors");
        ck_assert_uint_eq(m.tensors.count, 3);
        ck_assert_uint_eq(find(&m, "both")->shard, shard);
        mxfs_model_close(&m);
    }
}
END_TEST

START_TEST(missing_shards)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");
    struct mxfs_choices partial = {.partial = true};
    struct test_path path = test_join(dir.text, "m-1.safetensors");
    struct mxfs_model m;
    struct mxfs_error err = {0};

    ck_assert_int_eq(unlink(test_join(dir.text, "m-2.safetensors").text), 0);
    open_right(&m, dir.text, "m-1.safetensors");
    ck_assert_uint_eq(m.missing, 1);
    ck_assert_str_eq(m.first_missing, "m-2.safetensors");
    ck_assert_uint_eq(m.shard_count, 1);
    ck_assert_uint_eq(m.grouping.refusal_count, 1);
    ck_assert(m.grouping.refusals[0].half);
    mxfs_model_close(&m);
    ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &partial, &err), 0);
    ck_assert_uint_eq(m.grouping.refusal_count, 0);
    mxfs_model_close(&m);
    check_wrong(dir.text, "m-2.safetensors", MXFS_EXIT_SOURCE, "m-2.safetensors");
}
END_TEST

START_TEST(a_broken_shard_breaks_the_model)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");

    test_write_text(dir.text, "m-2.safetensors", "not at all");
    check_wrong(dir.text, "m-1.safetensors", MXFS_EXIT_MALFORMED, "m-2.safetensors");
}
END_TEST

START_TEST(an_index_that_lies)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");

    test_write_text(dir.text, "model.safetensors.index.json",
                    "{\"weight_map\":{\"b\":\"m-2.safetensors\",\"c\":\"m-1.safetensors\"}}");
    check_wrong(dir.text, "m-1.safetensors", MXFS_EXIT_MALFORMED, "does not hold it");
    test_write_text(dir.text, "model.safetensors.index.json",
                    "{\"weight_map\":{\"nowhere\":\"m-1.safetensors\"}}");
    check_wrong(dir.text, "m-1.safetensors", MXFS_EXIT_MALFORMED, "nowhere");
}
END_TEST

/* No index may lead out of its folder. */
START_TEST(hostile_shard_names)
{
    static const char *const values[] = {
        "\"../m.safetensors\"",
        "\"/etc/passwd\"",
        "\"sub/m.safetensors\"",
        "\"..\"",
        "\".\"",
        "\"\"",
        "\"a\\u0000b\"",
        "7",
        "null",
        "[\"x\"]",
        "\"a\\u002fb\"",
    };
    struct test_path dir = test_folder();
    char json[200];

    write_model(dir.text, "m.safetensors", "a F32 1");
    for (size_t i = 0; i < MXFS_COUNT(values); i++) {
        snprintf(json, sizeof(json), "{\"weight_map\":{\"a\":\"m.safetensors\",\"b\":%s}}",
                 values[i]);
        test_write_text(dir.text, "x.safetensors.index.json", json);
        check_wrong(dir.text, "m.safetensors", MXFS_EXIT_MALFORMED, "x.safetensors.index.json");
    }
}
END_TEST

START_TEST(broken_indexes)
{
    static const char *const broken[] = {"", "[]", "{}", "{\"weight_map\":[]}",
                                         "{\"weight_map\":{"};
    struct test_path dir = test_folder();
    struct mxfs_model m;

    write_model(dir.text, "m.safetensors", "a F32 1");
    for (size_t i = 0; i < MXFS_COUNT(broken); i++) {
        test_write_text(dir.text, "x.safetensors.index.json", broken[i]);
        check_wrong(dir.text, "m.safetensors", MXFS_EXIT_MALFORMED, "x.safetensors.index.json");
    }
    test_write_text(dir.text, "x.safetensors.index.json",
                    "{\"weight_map\":{}}"); /* lists no file */
    open_right(&m, dir.text, "m.safetensors");
    ck_assert_uint_eq(m.shard_count, 1);
    mxfs_model_close(&m);
}
END_TEST

/* Names in the index with escapes and with non-ASCII characters. */
START_TEST(names_in_the_index)
{
    struct test_path dir = test_folder();
    struct mxfs_model m;

    write_model(dir.text, "m-1.safetensors", "caf\xc3\xa9 F32 1; a/b F32 1");
    write_model(dir.text, "m-\xc3\xa9.safetensors", "caf\xc3\xa9 F32 2");
    test_write_text(dir.text, "x.safetensors.index.json",
                    "{\"weight_map\":{\"caf\\u00e9\":\"m-\\u00E9.safetensors\","
                    "\"a\\/b\":\"m-1.safetensors\"}}");
    open_right(&m, dir.text, "m-1.safetensors");
    ck_assert_uint_eq(m.tensors.count, 2);
    ck_assert_uint_eq(find(&m, "caf\xc3\xa9")->shape[0], 2);
    mxfs_model_close(&m);
}
END_TEST

START_TEST(only_some_tensors)
{
    struct test_path dir = make_sharded("model.safetensors.index.json");
    struct mxfs_choices options = {.only = "a"};
    struct test_path path = test_join(dir.text, "m-1.safetensors");
    struct mxfs_model m;
    struct mxfs_error err = {0};

    ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &options, &err), 0);
    ck_assert(m.restricted);
    ck_assert_uint_eq(m.grouping.count, 1);
    mxfs_model_close(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *config = tcase_create("config"), *files = tcase_create("files"),
          *shards = tcase_create("shards");

    test_use_folder(config);
    tcase_add_loop_test(config, each_config, 0, MXFS_COUNT(configs));
    tcase_add_test(config, config_strings);
    tcase_add_test(config, no_config);
    tcase_add_test(config, broken_configs);
    tcase_add_test(config, hostile_configs);
    suite_add_tcase(suite, config);
    test_use_folder(files);
    tcase_add_test(files, a_single_file);
    tcase_add_test(files, output_types);
    tcase_add_test(files, files_that_are_none);
    tcase_add_test(files, links_belong_to_their_own_folder);
    tcase_add_test(files, comfy_metadata);
    suite_add_tcase(suite, files);
    test_use_folder(shards);
    tcase_add_test(shards, shards_of_an_index);
    tcase_add_test(shards, alone_whatever_the_index_says);
    tcase_add_test(shards, by_index);
    tcase_add_test(shards, an_index_of_other_files);
    tcase_add_test(shards, stale_copies);
    tcase_add_test(shards, copies_that_no_index_lists);
    tcase_add_test(shards, missing_shards);
    tcase_add_test(shards, a_broken_shard_breaks_the_model);
    tcase_add_test(shards, an_index_that_lies);
    tcase_add_test(shards, hostile_shard_names);
    tcase_add_test(shards, broken_indexes);
    tcase_add_test(shards, names_in_the_index);
    tcase_add_test(shards, only_some_tensors);
    suite_add_tcase(suite, shards);
    return test_run(suite);
}
