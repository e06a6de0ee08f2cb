/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Planning: order, offsets and exact header bytes, as written by the reference library 0.8.0.
 */
#include "mxfs/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "support/spec.h"
#include "support/view.h"

static struct view *open_spec(const char *text, const char *metadata)
{
    struct test_path dir = test_folder();
    struct spec *spec = spec_new_filled(text);

    spec->metadata = metadata;
    struct test_path path = spec_write(spec, dir.text, "model.safetensors");
    spec_free(spec);
    return view_open(path.text, (struct view_options){.out = -1, .unit_max = 1 << 20});
}

/* Expects `json`, padded with spaces to 8 bytes, after its length. */
static void check_header(const struct view *v, const char *json)
{
    size_t n = (strlen(json) + 7) / 8 * 8;

    ck_assert(!v->plan.verbatim);
    ck_assert_uint_eq(v->plan.data_offset, 8 + n);
    ck_assert_uint_eq(mxfs_load_le64(v->plan.header), n);
    if (memcmp(v->plan.header + 8, json, strlen(json)) != 0)
        ck_abort_msg("header %.*s\nnot    %s", (int)n, v->plan.header + 8, json);
    for (size_t i = strlen(json); i < n; i++)
        ck_assert_int_eq(v->plan.header[8 + i], ' ');
}

#define PAIR "q_blocks U8 1,16; q_scales U8 1"
#define Q(from, to) "\"q\":{\"dtype\":\"BF16\",\"shape\":[32],\"data_offsets\":[" #from "," #to "]}"

START_TEST(order_of_the_library)
{
    struct view *v = open_spec("c U8 1; b BF16 1; e I64 1; B BF16 1; a F32 1; s F8_E8M0 1;" PAIR
                               "; zero F32 0; F F64 -",
                               NULL);

    check_header(v,
                 "{\"__metadata__\":{\"format\":\"pt\"},"
                 "\"e\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                 "\"F\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[8,16]},"
                 "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
                 "\"zero\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[20,20]},"
                 "\"B\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[20,22]},"
                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[22,24]}," Q(
                     24, 88) ","
                             "\"s\":{\"dtype\":\"F8_E8M0\",\"shape\":[1],\"data_offsets\":[88,89]},"
                             "\"c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[89,90]}}");
    ck_assert_uint_eq(v->plan.size, v->plan.data_offset + 90);
    view_close(v);
}
END_TEST

START_TEST(metadata)
{
    static const struct {
        const char *source, *shown;
    } cases[] = {
        {NULL, "{\"format\":\"pt\"}"},
        {"{}", "{\"format\":\"pt\"}"},
        {"null", "{\"format\":\"pt\"}"},
        {"{\"format\":\"np\"}", "{\"format\":\"np\"}"},
        {"{\"z\":\"1\",\"a\":\"2\"}", "{\"z\":\"1\",\"a\":\"2\",\"format\":\"pt\"}"},
        {"{\"z\":\"1\",\"format\":\"mlx\",\"a\":\"2\"}",
         "{\"z\":\"1\",\"format\":\"mlx\",\"a\":\"2\"}"},
        {"{\"formats\":\"1\",\"Format\":\"2\"}",
         "{\"formats\":\"1\",\"Format\":\"2\",\"format\":\"pt\"}"},
        {"{\"q\":\"\\\"\\\\\\u0001\\n\\u00e9\\/\"}",
         "{\"q\":\"\\\"\\\\\\u0001\\n\xc3\xa9/\",\"format\":\"pt\"}"},
    };
    char json[300];

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        struct view *v = open_spec(PAIR, cases[i].source);
        snprintf(json, sizeof(json), "{\"__metadata__\":%s," Q(0, 64) "}", cases[i].shown);
        check_header(v, json);
        view_close(v);
    }
}
END_TEST

/* Every length of the JSON up to the next multiple of 8. */
START_TEST(padding)
{
    char text[100], json[300], name[20] = "";

    for (int len = 1; len <= 16; len++) {
        memset(name, 'n', (size_t)len);
        snprintf(text, sizeof(text), PAIR "; %s U8 3", name);
        struct view *v = open_spec(text, NULL);
        snprintf(json, sizeof(json),
                 "{\"__metadata__\":{\"format\":\"pt\"}," Q(
                     0, 64) ",\"%s\":{\"dtype\":\"U8\","
                            "\"shape\":[3],\"data_offsets\":[64,67]}}",
                 name);
        check_header(v, json);
        view_close(v);
    }
}
END_TEST

/* Outputs are found by name and at each of their bytes, and have no gaps between them. */
static void check_index(const struct view *v)
{
    const struct mxfs_plan *p = &v->plan;
    uint64_t at = p->data_offset;

    for (size_t i = 0; i < p->count; i++) {
        struct mxfs_output_info o = mxfs_output_info(&p->outputs[i]);
        size_t place = mxfs_plan_find(p, o.name, o.name_len);
        ck_assert_uint_ne(place, MXFS_NOT_FOUND);
        ck_assert_ptr_eq(&p->outputs[p->by_name[place]], &p->outputs[i]);
        ck_assert_uint_eq(p->outputs[i].offset, at);
        for (uint64_t end = at + o.size; at < end; at++)
            ck_assert_ptr_eq(mxfs_plan_at(p, at), &p->outputs[i]);
    }
    ck_assert_uint_eq(at, p->size);
    for (size_t i = 1; i < p->count; i++) {
        struct mxfs_output_info a = mxfs_output_info(&p->outputs[p->by_name[i - 1]]),
                                b = mxfs_output_info(&p->outputs[p->by_name[i]]);
        ck_assert_int_lt(mxfs_name_compare(a.name, a.name_len, b.name, b.name_len), 0);
    }
}

START_TEST(outputs_are_found)
{
    struct view *v =
        open_spec("ab U8 3; a F32 1; abc I64 0; aa BF16 2; z U8 0; b F32 0; y U8 5;" PAIR, NULL);

    check_index(v);
    ck_assert_uint_eq(mxfs_plan_find(&v->plan, "q_blocks", 8), MXFS_NOT_FOUND);
    ck_assert_uint_eq(mxfs_plan_find(&v->plan, "", 0), MXFS_NOT_FOUND);
    ck_assert_uint_eq(mxfs_plan_find(&v->plan, "zz", 2), MXFS_NOT_FOUND);
    view_close(v);
}
END_TEST

START_TEST(info_and_totals)
{
    struct view *v =
        open_spec("p F16 2,3; e.weight_blocks U8 4,2,16; e.weight_scales U8 4,2", NULL);
    struct mxfs_output_info p = mxfs_output_info(view_output(v, "p"));
    struct mxfs_output_info e = mxfs_output_info(view_output(v, "e.weight"));
    uint64_t in, out;

    ck_assert_uint_eq(p.dtype, MXFS_F16);
    ck_assert_uint_eq(p.size, 12);
    ck_assert_uint_eq(p.rank, 2);
    ck_assert_uint_eq(p.shape[1], 3);
    ck_assert_uint_eq(e.dtype, MXFS_BF16);
    ck_assert_uint_eq(e.size, 4 * 64 * 2);
    ck_assert_uint_eq(e.rank, 2);
    ck_assert_uint_eq(e.shape[0], 4);
    ck_assert_uint_eq(e.shape[1], 64);
    mxfs_plan_totals(&v->plan, &in, &out);
    ck_assert_uint_eq(in, (uint64_t)v->model.shards[0].source.st.st_size);
    ck_assert_uint_eq(out, v->plan.size);
    view_close(v);
}
END_TEST

START_TEST(nothing_quantized_is_verbatim)
{
    static const char *const texts[] = {"b F32 3; a I64 1; z U8 0; c U8 5", "", "x F4 4",
                                        "x_blocks U8 1,16" /* half a pair: stays */};

    for (size_t i = 0; i < MXFS_COUNT(texts); i++) {
        struct view *v = open_spec(texts[i], "{\"k\":\"v\"}");
        const struct mxfs_shard *s = &v->model.shards[0];
        ck_assert(v->plan.verbatim);
        ck_assert_ptr_null(v->plan.header);
        ck_assert_uint_eq(v->plan.size, (uint64_t)s->source.st.st_size);
        ck_assert_uint_eq(v->plan.data_offset, s->header.data_offset);
        ck_assert_uint_eq(v->plan.count, s->header.count);
        check_index(v);
        view_close(v);
    }
}
END_TEST

/* Dropped and refused tensors affect the file, too. */
START_TEST(dropped_and_refused)
{
    struct view *v = open_spec(PAIR "; h_blocks U8 1,16; q.input_scale F32 1", NULL);

    check_header(
        v,
        "{\"__metadata__\":{\"format\":\"pt\"}," Q(
            0, 64) ",\"h_blocks\":{\"dtype\":\"U8\",\"shape\":[1,16],\"data_offsets\":[64,80]}}");
    view_close(v);
}
END_TEST

/* Two results with the same name. */
START_TEST(twice_the_same_name)
{
    struct test_path dir = test_folder();
    struct spec *spec = spec_new_filled("x_blocks U8 1,1,16; x_scales U8 1,1;"
                                        "x.blocks U8 1,1,16; x.scales U8 1,1");
    struct test_path path = spec_write(spec, dir.text, "model.safetensors");
    struct mxfs_choices options = {0};
    struct mxfs_error err = {0};
    struct mxfs_model m;
    struct mxfs_plan plan;

    spec_free(spec);
    ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &options, &err), 0);
    ck_assert_int_lt(mxfs_plan_init(&plan, &m, 0, &err), 0);
    ck_assert_int_eq(err.code, MXFS_EXIT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "\"x\""));
    mxfs_plan_fini(&plan);
    mxfs_model_close(&m);
}
END_TEST

/* A file of a sharded model shows the groups whose main parts it contains. */
START_TEST(shards)
{
    struct test_path dir = test_folder();
    struct spec *one = spec_new_filled("q_blocks U8 1,16; k F32 1; old U8 1");
    struct spec *two = spec_new_filled("q_scales U8 1; old U8 1");
    struct mxfs_choices options = {0};
    struct mxfs_error err = {0};
    struct mxfs_model m;
    struct mxfs_plan plan;

    spec_write(one, dir.text, "m-1.safetensors");
    struct test_path path = spec_write(two, dir.text, "m-2.safetensors");
    spec_free(one);
    spec_free(two);
    test_write_text(dir.text, "m.safetensors.index.json",
                    "{\"weight_map\":{\"q_blocks\":\"m-1.safetensors\",\"k\":\"m-1.safetensors\","
                    "\"old\":\"m-2.safetensors\",\"q_scales\":\"m-2.safetensors\"}}");
    ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &options, &err), 0);
    ck_assert_int_eq(mxfs_plan_init(&plan, &m, 0, &err), 0);
    ck_assert_uint_eq(plan.count, 2); /* k and q; not the copy that the index does not mention */
    ck_assert_uint_ne(mxfs_plan_find(&plan, "q", 1), MXFS_NOT_FOUND);
    ck_assert_uint_eq(mxfs_plan_find(&plan, "old", 3), MXFS_NOT_FOUND);
    mxfs_plan_fini(&plan);
    ck_assert_int_eq(mxfs_plan_init(&plan, &m, 1, &err), 0);
    ck_assert_uint_eq(plan.count, 1);
    ck_assert_uint_ne(mxfs_plan_find(&plan, "old", 3), MXFS_NOT_FOUND);
    ck_assert(!plan.verbatim);
    ck_assert(!mxfs_plan_is_stale(&plan, &plan.outputs[0]));
    mxfs_plan_fini(&plan);
    mxfs_plan_fini(&plan);
    mxfs_model_close(&m);
}
END_TEST

START_TEST(stale_copies_of_plain_models)
{
    struct test_path dir = test_folder();
    struct spec *one = spec_new_filled("k F32 1; old U8 1"), *two = spec_new_filled("old U8 1");
    struct mxfs_choices options = {0};
    struct mxfs_error err = {0};
    struct mxfs_model m;
    struct mxfs_plan plan;

    struct test_path path = spec_write(one, dir.text, "m-1.safetensors");
    spec_write(two, dir.text, "m-2.safetensors");
    spec_free(one);
    spec_free(two);
    test_write_text(dir.text, "m.safetensors.index.json",
                    "{\"weight_map\":{\"k\":\"m-1.safetensors\",\"old\":\"m-2.safetensors\"}}");
    ck_assert_int_eq(mxfs_model_open_file(&m, path.text, &options, &err), 0);
    ck_assert_int_eq(mxfs_plan_init(&plan, &m, m.main, &err), 0);
    ck_assert(plan.verbatim);
    ck_assert_uint_eq(plan.count, 2);
    for (size_t i = 0; i < plan.count; i++)
        ck_assert_int_eq(mxfs_plan_is_stale(&plan, &plan.outputs[i]),
                         mxfs_output_info(&plan.outputs[i]).name_len == 3);
    mxfs_plan_fini(&plan);
    mxfs_model_close(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("files");

    test_use_folder(tests);
    tcase_add_test(tests, order_of_the_library);
    tcase_add_test(tests, metadata);
    tcase_add_test(tests, padding);
    tcase_add_test(tests, outputs_are_found);
    tcase_add_test(tests, info_and_totals);
    tcase_add_test(tests, nothing_quantized_is_verbatim);
    tcase_add_test(tests, dropped_and_refused);
    tcase_add_test(tests, twice_the_same_name);
    tcase_add_test(tests, shards);
    tcase_add_test(tests, stale_copies_of_plain_models);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
