/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Grouping and every scheme's matching: which tensors form a group, and what happens to the others.
 *
 * A case is a list of tensors and the contents of config.json. The result is written as text and
 * compared with the documents of each format (see the sources named in src/scheme). It has one line
 * each, groups first:
 *
 *   SCHEME NAME SHAPE < PARTS     a group
 *   plain|dropped|refused|half NAME
 *   ! SCHEME COUNT FIRST          a refusal
 *   * COUNT FIRST                 a notice
 */
#include "mxfs/grouping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "scheme/fp8.h"
#include "scheme/match.h"
#include "support/spec.h"

/* Writes the result as text. */

static void put_group(FILE *out, const struct mxfs_group *g)
{
    fprintf(out, "%s %.*s ", g->scheme->name, (int)g->name_len, g->name);
    for (unsigned i = 0; i < g->rank; i++)
        fprintf(out, "%s%" PRIu64, i ? "," : "", g->shape[i]);
    fputs(" <", out);
    for (unsigned i = 0; i < g->parts; i++)
        fprintf(out, " %.*s", (int)g->part[i]->name_len, g->part[i]->name);
    fputc('\n', out);
}

static const char *role_name(int32_t role)
{
    switch (role) {
    case MXFS_ROLE_PLAIN:
        return "plain";
    case MXFS_ROLE_DROPPED:
        return "dropped";
    case MXFS_ROLE_REFUSED:
        return "refused";
    default:
        return "half";
    }
}

static char *describe(const struct mxfs_grouping *g, const struct mxfs_tensors *set)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    for (size_t i = 0; i < g->count; i++)
        put_group(out, &g->groups[i]);
    for (size_t i = 0; i < set->count; i++) {
        if (g->role[i] < 0)
            fprintf(out, "%s %s\n", role_name(g->role[i]), set->sorted[i]->name);
    }
    for (size_t i = 0; i < g->refusal_count; i++) {
        const struct mxfs_refusal *r = &g->refusals[i];
        fprintf(out, "! %s %zu %s\n", r->scheme, r->count, r->first ? r->first->name : "-");
    }
    for (size_t i = 0; i < MXFS_NOTICE_COUNT; i++) {
        if (g->notices[i].count)
            fprintf(out, "* %zu %s\n", g->notices[i].count, g->notices[i].first->name);
    }
    fclose(out);
    return text;
}

/* Every stored tensor has one role, and a group's role is that of all its parts. */
static void check_roles(const struct mxfs_grouping *g, const struct mxfs_tensors *set)
{
    for (size_t i = 0; i < g->count; i++) {
        for (unsigned p = 0; p < g->groups[i].parts; p++) {
            const struct mxfs_tensor *t = g->groups[i].part[p];
            size_t at = mxfs_tensors_find(set, 0, t->name, t->name_len, "");
            ck_assert_uint_ne(at, MXFS_NOT_FOUND);
            ck_assert_int_eq(g->role[at], (int32_t)i);
        }
    }
    for (size_t i = 0; i < set->count; i++)
        ck_assert(g->role[i] < (int32_t)g->count && g->role[i] >= MXFS_ROLE_HALF);
}

/* Reasons must fit one line of a message. */
static void check_texts(const struct mxfs_grouping *g)
{
    for (size_t i = 0; i < g->refusal_count; i++) {
        ck_assert(g->refusals[i].reason && g->refusals[i].reason[0]);
        ck_assert_ptr_null(strchr(g->refusals[i].reason, '\n'));
    }
}

/* Most cases have no config and leave out the last members. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/** One case. */
struct grouping_case {
    const char *tensors;
    const char *expected;
    struct mxfs_quant_config config;
    struct mxfs_grouping_options options;
};

static void check_case(const struct grouping_case *c)
{
    struct spec *spec = spec_new(c->tensors);
    struct mxfs_quant_config config = c->config;
    struct mxfs_grouping_options options = c->options;
    struct mxfs_grouping g;

    options.match.unit_max = 1 << 20;
    ck_assert_int_eq(mxfs_grouping_init(&g, &spec->set, &config, &options), 0);
    char *text = describe(&g, &spec->set);
    ck_assert_msg(strcmp(text, c->expected) == 0, "%s\ngives\n%s\ninstead of\n%s", c->tensors, text,
                  c->expected);
    check_roles(&g, &spec->set);
    check_texts(&g);
    free(text);
    mxfs_grouping_fini(&g);
    spec_free(spec);
}

#define GPTOSS .config = {.present = true, .model_type = "gpt_oss", .dtype = -1}
#define OTHER_MODEL .config = {.present = true, .model_type = "qwen3_moe", .dtype = -1}
#define BLOCKS .options = {.match = {.forced = "mxfp4-blocks"}}
#define METHOD(name) .config = {.present = true, .quantized = true, .method = name, .dtype = -1}

/* Formats that are decoded. */

static const struct grouping_case formats[] = {
    /* gpt-oss by Hugging Face: transposed, even if the shape does not show it */
    {"m.mlp.experts.down_proj_bias BF16 2,64; m.mlp.experts.down_proj_blocks U8 2,64,2,16;"
     "m.mlp.experts.down_proj_scales U8 2,64,2; m.mlp.experts.gate_up_proj_blocks U8 2,6,3,16;"
     "m.mlp.experts.gate_up_proj_scales U8 2,6,3",
     "mxfp4-gptoss m.mlp.experts.down_proj 2,64,64 < m.mlp.experts.down_proj_blocks "
     "m.mlp.experts.down_proj_scales\n"
     "mxfp4-gptoss m.mlp.experts.gate_up_proj 2,96,6 < m.mlp.experts.gate_up_proj_blocks "
     "m.mlp.experts.gate_up_proj_scales\n"
     "plain m.mlp.experts.down_proj_bias\n",
     GPTOSS},
    /* without a config, names decide, under any prefix */
    {"x.experts.down_proj_blocks U8 2,6,3,16; x.experts.down_proj_scales U8 2,6,3",
     "mxfp4-gptoss x.experts.down_proj 2,96,6 < x.experts.down_proj_blocks "
     "x.experts.down_proj_scales\n"},
    {"x.experts.gate_up_proj_blocks U8 2,6,3,16; x.experts.gate_up_proj_scales U8 2,6,3",
     "mxfp4-gptoss x.experts.gate_up_proj 2,96,6 < x.experts.gate_up_proj_blocks "
     "x.experts.gate_up_proj_scales\n"},
    {"x.other_proj_blocks U8 2,6,3,16; x.other_proj_scales U8 2,6,3",
     "mxfp4-blocks x.other_proj 2,6,96 < x.other_proj_blocks x.other_proj_scales\n"},
    /* with a config, its model type decides */
    {"x.other_proj_blocks U8 2,6,3,16; x.other_proj_scales U8 2,6,3",
     "mxfp4-gptoss x.other_proj 2,96,6 < x.other_proj_blocks x.other_proj_scales\n", GPTOSS},
    {"x.experts.down_proj_blocks U8 2,6,3,16; x.experts.down_proj_scales U8 2,6,3",
     "mxfp4-blocks x.experts.down_proj 2,6,96 < x.experts.down_proj_blocks "
     "x.experts.down_proj_scales\n",
     OTHER_MODEL},
    /* fewer dimensions than experts have: never transposed */
    {"x_blocks U8 4,2,16; x_scales U8 4,2; y_blocks U8 3,16; y_scales U8 3",
     "mxfp4-blocks x 4,64 < x_blocks x_scales\nmxfp4-blocks y 96 < y_blocks y_scales\n", GPTOSS},
    /* transformers' saver */
    {"x.weight_blocks U8 4,2,16; x.weight_scales U8 4,2",
     "mxfp4-blocks x.weight 4,64 < x.weight_blocks x.weight_scales\n"},
    {"x.weight_blocks U8 2,6,3,16; x.weight_scales U8 2,6,3",
     "mxfp4-blocks x.weight 2,6,96 < x.weight_blocks x.weight_scales\n", GPTOSS},
    /* the tensors of a pair need not be neighbours */
    {"x_blocks U8 1,16; x_blocksize I64 1; x_other F32 2; x_scales U8 1; x_scalesx U8 1",
     "mxfp4-blocks x 32 < x_blocks x_scales\nplain x_blocksize\nplain x_other\nplain x_scalesx\n"},
    /* an empty stem is valid */
    {"_blocks U8 1,16; _scales U8 1", "mxfp4-blocks  32 < _blocks _scales\n"},
    /* no elements */
    {"x_blocks U8 0,2,16; x_scales U8 0,2", "mxfp4-blocks x 0,64 < x_blocks x_scales\n"},
    {"x_blocks U8 2,3,0,16; x_scales U8 2,3,0", "mxfp4-gptoss x 2,0,3 < x_blocks x_scales\n",
     GPTOSS},
    /* gpt-oss by OpenAI */
    {"block.0.attn.norm.scale BF16 64; block.0.mlp.mlp1_bias BF16 2,6;"
     "block.0.mlp.mlp1_weight.blocks U8 2,6,3,16; block.0.mlp.mlp1_weight.scales U8 2,6,3;"
     "block.0.mlp.mlp2_weight.blocks U8 2,64,2,16; block.0.mlp.mlp2_weight.scales U8 2,64,2;"
     "norm.scale BF16 64",
     "mxfp4-gptoss-original block.0.mlp.mlp1_weight 2,6,96 < block.0.mlp.mlp1_weight.blocks "
     "block.0.mlp.mlp1_weight.scales\n"
     "mxfp4-gptoss-original block.0.mlp.mlp2_weight 2,64,64 < block.0.mlp.mlp2_weight.blocks "
     "block.0.mlp.mlp2_weight.scales\n"
     "plain block.0.attn.norm.scale\nplain block.0.mlp.mlp1_bias\nplain norm.scale\n",
     GPTOSS},
    /* compressed-tensors, AutoRound */
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2; y.weight_packed U8 2,4,16;"
     "y.weight_scale F8_E8M0 2,4,1",
     "mxfp4-packed x.weight 4,64 < x.weight_packed x.weight_scale\n"
     "mxfp4-packed y.weight 2,4,32 < y.weight_packed y.weight_scale\n",
     METHOD("compressed-tensors")},
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2",
     "mxfp4-packed x.weight 4,64 < x.weight_packed x.weight_scale\n",
     .config = {.quantized = true, .method = "auto-round", .strings = "data_type\0mx_fp\0"}},
    /* Quark, ModelOpt */
    {"x.weight U8 4,32; x.weight_scale U8 4,2; y.weight U8 3,4,16; y.weight_scale F8_E8M0 3,4,1",
     "mxfp4-weight x.weight 4,64 < x.weight x.weight_scale\n"
     "mxfp4-weight y.weight 3,4,32 < y.weight y.weight_scale\n",
     METHOD("quark")},
    /* Mistral: one scale per tensor; scales of activations and of the KV cache are dropped */
    {"a.kv_fake_quantizer.qscale_act BF16 -; a.qscale_act BF16 -; a.qscale_weight BF16 -;"
     "a.weight F8_E4M3 6,10; b.qscale_weight F32 1; b.weight F8_E4M3 6,10; norm.weight BF16 10",
     "fp8 a.weight 6,10 < a.weight a.qscale_weight\n"
     "fp8 b.weight 6,10 < b.weight b.qscale_weight\n"
     "dropped a.kv_fake_quantizer.qscale_act\ndropped a.qscale_act\nplain norm.weight\n"},
    /* DeepSeek V4 */
    {"a.w1.scale F8_E8M0 4,2; a.w1.weight I8 4,32; b.wq.scale F8_E8M0 2,3;"
     "b.wq.weight F8_E4M3 130,260; c.scale F8_E8M0 2,1,1; c.weight F8_E5M2 2,32,32;"
     "hc_attn_scale F32 3",
     "mxfp4-deepseek a.w1.weight 4,64 < a.w1.weight a.w1.scale\n"
     "fp8 b.wq.weight 130,260 < b.wq.weight b.wq.scale\n"
     "fp8 c.weight 2,32,32 < c.weight c.scale\n"
     "plain hc_attn_scale\n",
     METHOD("fp8")},
};

/* Models that look quantized but cannot be dequantized exactly. */

static const struct grouping_case refusals[] = {
    /* half a pair; a plain tensor of the other's name does not complete it */
    {"x_blocks U8 4,2,16", "half x_blocks\n! mxfp4-blocks 1 x_blocks\n"},
    {"x_scales U8 4,2; y_scales U8 1", "half x_scales\nhalf y_scales\n! mxfp4-blocks 2 x_scales\n"},
    {"x.blocks U8 4,2,16", "half x.blocks\n! mxfp4-gptoss-original 1 x.blocks\n"},
    {"x.experts.down_proj_blocks U8 2,6,3,16",
     "half x.experts.down_proj_blocks\n! mxfp4-gptoss 1 x.experts.down_proj_blocks\n"},
    {"x.weight_packed U8 4,32", "half x.weight_packed\n! mxfp4-packed 1 x.weight_packed\n"},
    {"x.weight_scale U8 4,2", "half x.weight_scale\n! scale 1 x.weight_scale\n"},
    {"x.scale F8_E8M0 4,2", "half x.scale\n! scale 1 x.scale\n"},
    {"x_blocks F32 4,16; y_blocks U8 7; y.blocks U8 -; z_scales F32 2",
     "plain x_blocks\nplain y.blocks\nplain y_blocks\nplain z_scales\n"},
    /* companions of the wrong shape or type */
    {"x_blocks U8 4,2,16; x_scales U8 4,3",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x_blocks U8 4,2,16; x_scales U8 8",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x_blocks U8 4,2,16; x_scales F32 4,2",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x_blocks U8 4,2,8; x_scales U8 4,2",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x.experts.down_proj_blocks U8 2,6,3,16; x.experts.down_proj_scales U8 2,3,6",
     "refused x.experts.down_proj_blocks\nrefused x.experts.down_proj_scales\n"
     "! mxfp4-gptoss 1 x.experts.down_proj_blocks\n"},
    {"x.weight_packed U8 4,32; x.weight_scale U8 2,4",
     "refused x.weight_packed\nrefused x.weight_scale\n! mxfp4-packed 1 x.weight_packed\n"},
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2,1",
     "refused x.weight_packed\nrefused x.weight_scale\n! mxfp4-packed 1 x.weight_packed\n"},
    {"x.weight_packed U8 32; x.weight_scale U8 2",
     "refused x.weight_packed\nrefused x.weight_scale\n! mxfp4-packed 1 x.weight_packed\n"},
    {"x.weight U8 4,40; x.weight_scale U8 4,2",
     "refused x.weight\nrefused x.weight_scale\n! mxfp4-weight 1 x.weight\n"},
    {"x.scale F8_E8M0 5,2; x.weight I8 4,32",
     "refused x.scale\nrefused x.weight\n! mxfp4-deepseek 1 x.weight\n"},
    {"x.scale F8_E8M0 2; x.weight F8_E4M3 64,64",
     "refused x.scale\nrefused x.weight\n! fp8 1 x.weight\n"},
    {"x.scale F8_E8M0 3,1,1; x.weight F8_E4M3 2,64,64",
     "refused x.scale\nrefused x.weight\n! fp8 1 x.weight\n"},
    /* one reason gives one line, whatever the number of tensors */
    {"a_blocks U8 4,2,16; b_blocks U8 4,2,16; b_scales U8 9; c_blocks U8 4,2,16; d_blocks U8 1,16;"
     "d_scales U8 1",
     "mxfp4-blocks d 32 < d_blocks d_scales\nhalf a_blocks\nrefused b_blocks\nrefused b_scales\n"
     "half c_blocks\n! mxfp4-blocks 2 a_blocks\n! mxfp4-blocks 1 b_blocks\n"},
    /* formats that only the config tells apart */
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2",
     "refused x.weight_packed\nrefused x.weight_scale\n! mxint4 1 x.weight_packed\n",
     .config = {.quantized = true, .method = "auto-round", .strings = "data_type\0mx_int4\0"}},
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2",
     "refused x.weight_packed\nrefused x.weight_scale\n! mxfp4-packed 1 x.weight_packed\n",
     .config = {.quantized = true, .method = "compressed-tensors", .transforms = true}},
    /* extra tensors that change how a weight is decoded */
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2; x.weight_zero_point U8 4,2",
     "refused x.weight_packed\nrefused x.weight_scale\nplain x.weight_zero_point\n"
     "! mxfp4-packed 1 x.weight_packed\n"},
    {"x.weight_packed U8 4,32; x.weight_scale U8 4,2; x.weight_global_scale F32 1",
     "plain x.weight_global_scale\nrefused x.weight_packed\nrefused x.weight_scale\n"
     "! mxfp4-packed 1 x.weight_packed\n"},
    /* FP6: its two packings cannot be told apart */
    {"x.weight U8 4,48; x.weight_scale U8 4,2",
     "refused x.weight\nrefused x.weight_scale\n! mxfp6 1 x.weight\n", METHOD("quark")},
    /* a low-rank part */
    {"x.svdquant_lora_a BF16 4,4; x.weight U8 4,32; x.weight_scale F8_E4M3 4,4",
     "plain x.svdquant_lora_a\nrefused x.weight\nrefused x.weight_scale\n! nvfp4-svd 1 x.weight\n"},
    /* ComfyUI, by a tensor or by metadata */
    {"x.comfy_quant U8 20; x.weight U8 4,32; x.weight_scale U8 4,2",
     "plain x.comfy_quant\nrefused x.weight\nplain x.weight_scale\n! comfyui 1 x.weight\n"},
    {"x.weight U8 4,32; x.weight_scale U8 4,2; y.weight BF16 3",
     "refused x.weight\nplain x.weight_scale\nplain y.weight\n! comfyui 1 x.weight\n",
     .options = {.match = {.comfy = true}}},
    /* an unknown method, without a tensor that shows it */
    {"x.weight I32 4", "plain x.weight\n! hqq 1 -\n", METHOD("hqq")},
    {"x.weight BF16 4", "plain x.weight\n", METHOD("mxfp4")},
    /* an unknown method with tensors that could be of a known scheme, which has to be requested */
    {"x_blocks U8 1,16; x_scales U8 1; k.k_scale F32 -",
     "plain k.k_scale\nrefused x_blocks\nrefused x_scales\n! hqq 1 x_blocks\n", METHOD("hqq")},
    {"a_blocks U8 1,16; a_scales U8 1; b_blocks U8 1,16; b_scales U8 1; "
     "c.weight F8_E4M3 128,128; c.weight_scale F32 -",
     "refused a_blocks\nrefused a_scales\nrefused b_blocks\nrefused b_scales\n"
     "refused c.weight\nrefused c.weight_scale\n! new 2 a_blocks\n! new 1 c.weight\n",
     METHOD("new")},
    {"x_blocks U8 1,16; x_scales U8 1; k.k_scale F32 -",
     "mxfp4-blocks x 32 < x_blocks x_scales\ndropped k.k_scale\n", METHOD("hqq"), BLOCKS},
    {"x_blocks U8 1,16; x_scales U8 1; y.weight BF16 4",
     "mxfp4-blocks x 32 < x_blocks x_scales\nplain y.weight\n", METHOD("quark"), BLOCKS},
    {"x_blocks U8 1,16; x_scales U8 1; c.weight F8_E4M3 128,128; c.weight_scale F32 -",
     "mxfp4-blocks x 32 < x_blocks x_scales\nrefused c.weight\nrefused c.weight_scale\n"
     "! fp8 1 c.weight\n",
     METHOD("new"), BLOCKS},
    {"x_blocks U8 1,16; x_scales U8 2", /* not an exact match */
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n", METHOD("new"), BLOCKS},
    {"x.W_q U8 4", "refused x.W_q\n! hqq 1 x.W_q\n", METHOD("new"), BLOCKS},
    {"x_blocks U8 2,3,16; x_scales U8 2,3; x.comfy_quant U8 4; y.weight U8 4; y.comfy_quant U8 4",
     "mxfp4-blocks x 2,96 < x_blocks x_scales\nplain x.comfy_quant\nplain y.comfy_quant\n"
     "refused y.weight\n! comfyui 1 y.weight\n",
     METHOD("new"), BLOCKS},
    /* shapes that no output can have */
    {"x_blocks U8 1,1,1,1,1,1,1,1,1,16; x_scales U8 1,1,1,1,1,1,1,1,1",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x.weight U8 1,1,1,1,1,1,1,1,16; x.weight_scale U8 1,1,1,1,1,1,1,1,1",
     "refused x.weight\nrefused x.weight_scale\n! mxfp4-weight 1 x.weight\n"},
    {"x_blocks U8 36028797018963968,16; x_scales U8 36028797018963968", /* 2^62 bytes of F32 */
     "mxfp4-blocks x 1152921504606846976 < x_blocks x_scales\n"},
    {"x_blocks U8 72057594037927936,16; x_scales U8 72057594037927936", /* 2^63 */
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x_blocks U8 0,9223372036854775808,16; x_scales U8 0,9223372036854775808",
     "refused x_blocks\nrefused x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x.experts.down_proj_blocks U8 9223372036854775807,9,0,16;"
     "x.experts.down_proj_scales U8 9223372036854775807,9,0",
     "refused x.experts.down_proj_blocks\nrefused x.experts.down_proj_scales\n"
     "! mxfp4-gptoss 1 x.experts.down_proj_blocks\n"},
};

/* Results and parts whose names collide. */

static const struct grouping_case clashes[] = {
    {"x BF16 32; x_blocks U8 1,16; x_scales U8 1",
     "plain x\nrefused x_blocks\nplain x_scales\n! mxfp4-blocks 1 x_blocks\n"},
    {"x.weight BF16 32; x.weight_packed U8 1,16; x.weight_scale U8 1,1",
     "plain x.weight\nrefused x.weight_packed\nplain x.weight_scale\n"
     "! mxfp4-packed 1 x.weight_packed\n* 1 x.weight\n"},
    {"x.weight U8 4,32; x.weight_packed U8 4,32; x.weight_scale U8 4,2",
     "mxfp4-weight x.weight 4,64 < x.weight x.weight_scale\nrefused x.weight_packed\n"
     "! mxfp4-packed 1 x.weight_packed\n"},
    /* the result of one group is a part of the other */
    {"x_blocks_blocks U8 1,16; x_blocks_scales U8 1; x_blocks U8 1,16; x_scales U8 1",
     "mxfp4-blocks x 32 < x_blocks x_scales\nrefused x_blocks_blocks\nplain x_blocks_scales\n"
     "! mxfp4-blocks 1 x_blocks_blocks\n"},
};

/* Models that are neither quantized nor refused. */

static const struct grouping_case decoys[] = {
    {"hc_attn_scale F32 3; hc_ffn_scale F32 3; hc_head_scale F32 1; l.layer_scale F32 4;"
     "l.layerscale1.scale F32 4; l.norm.scale BF16 4; l.norm.weight BF16 4;"
     "l.per_expert_scale F32 2; l.router.scale BF16 4; l.router.weight BF16 2,4; logit_scale F32 -;"
     "norm.scale BF16 4; scale_embed F32 1; x.scales F32 2; x.weight I64 2",
     "plain hc_attn_scale\nplain hc_ffn_scale\nplain hc_head_scale\nplain l.layer_scale\n"
     "plain l.layerscale1.scale\nplain l.norm.scale\nplain l.norm.weight\n"
     "plain l.per_expert_scale\nplain l.router.scale\nplain l.router.weight\nplain logit_scale\n"
     "plain norm.scale\nplain scale_embed\nplain x.scales\nplain x.weight\n"},
    /* the same, with groups in the model */
    {"hc_attn_scale F32 3; l.layer_scale F32 4; l.layerscale1.scale F32 4; l.norm.scale BF16 4;"
     "l.per_expert_scale F32 2; l.router.scale BF16 4; logit_scale F32 -; scale_embed F32 1;"
     "x_blocks U8 1,16; x_scales U8 1",
     "mxfp4-blocks x 32 < x_blocks x_scales\nplain hc_attn_scale\nplain l.layer_scale\n"
     "plain l.layerscale1.scale\nplain l.norm.scale\nplain l.per_expert_scale\n"
     "plain l.router.scale\nplain logit_scale\nplain scale_embed\n"},
    /* an unquantized weight with a scale: both stay as they are */
    {"a.weight BF16 4,4; a.weight_scale F32 1; b.weight F16 4; b.weight_scale_inv F32 1;"
     "c.scale F8_E8M0 1,1; c.weight F32 4; d.scale F32 4; d.weight BF16 4",
     "plain a.weight\nplain a.weight_scale\nplain b.weight\nplain b.weight_scale_inv\n"
     "plain c.scale\nplain c.weight\nplain d.scale\nplain d.weight\n* 3 a.weight\n"},
    {"x.weight F8_E4M3 4,4; y.weight F8_E5M2 4", "plain x.weight\nplain y.weight\n* 2 x.weight\n"},
    {"", ""},
};

#define SCALES                                                                                  \
    "a.input_scale F32 -; a.weight_packed U8 1,16; a.weight_scale U8 1,1; b.input_scale F32 1;" \
    "k.k_scale F32 1; k.v_scale F32 1; k.q_scale F32 1; k.prob_scale F32 1;"                    \
    "c.input_global_scale F32 1; c.input_zero_point I8 1; c.output_scale F32 1;"                \
    "c.activation_scale F32 1; p_input_scale F32 1"

static const struct grouping_case activations[] = {
    /* activation and KV scales are dropped if anything is dequantized */
    {SCALES, "mxfp4-packed a.weight 1,32 < a.weight_packed a.weight_scale\n"
             "dropped a.input_scale\ndropped b.input_scale\ndropped c.activation_scale\n"
             "dropped c.input_global_scale\ndropped c.input_zero_point\ndropped c.output_scale\n"
             "dropped k.k_scale\ndropped k.prob_scale\ndropped k.q_scale\ndropped k.v_scale\n"
             "dropped p_input_scale\n"},
    /* and stay if nothing is */
    {"a.input_scale F32 -; a.weight BF16 4; k.k_scale F32 1; k.v_scale F32 1",
     "plain a.input_scale\nplain a.weight\nplain k.k_scale\nplain k.v_scale\n"},
    /* the scale of a module that stays quantized also stays */
    {"a_blocks U8 1,16; a_scales U8 1; b.input_scale F32 1; b.weight_packed U8 4,32;"
     "b.weight_scale U8 2,4; c.input_scale F32 1",
     "mxfp4-blocks a 32 < a_blocks a_scales\nplain b.input_scale\nrefused b.weight_packed\n"
     "refused b.weight_scale\ndropped c.input_scale\n! mxfp4-packed 1 b.weight_packed\n"},
};

/* Choices of the user. */

static const struct grouping_case choices[] = {
    {"a_blocks U8 1,16; a_scales U8 1; b_blocks U8 1,16; b_scales U8 1; c F32 1; ab F32 1",
     "mxfp4-blocks a 32 < a_blocks a_scales\nplain ab\ndropped b_blocks\ndropped b_scales\n"
     "dropped c\n",
     .options = {.only = "a*"}},
    {"a_blocks U8 1,16; a_scales U8 1; b_blocks U8 1,16; b_scales U8 1; c F32 1",
     "dropped a_blocks\ndropped a_scales\ndropped b_blocks\ndropped b_scales\nplain c\n",
     .options = {.only = "c"}},
    /* tensors that are not selected need not be decodable */
    {"a F32 1; b_blocks U8 1,16", "plain a\ndropped b_blocks\n", .options = {.only = "a"}},
    {"a_blocks U8 1,16; b_blocks U8 2,16; b_scales U8 3; c F32 1",
     "dropped a_blocks\nrefused b_blocks\nrefused b_scales\nplain c\n! mxfp4-blocks 1 b_blocks\n",
     .options = {.drop_half = true}},
};

#define CASES(name, table)      \
    START_TEST(name)            \
    {                           \
        check_case(&table[_i]); \
    }                           \
    END_TEST

CASES(each_format, formats)
CASES(each_refusal, refusals)
CASES(each_clash, clashes)
CASES(each_decoy, decoys)
CASES(each_activation, activations)
CASES(each_choice, choices)

/* The names of the cases are C strings; these are not. */
START_TEST(names_with_nul_and_long_ones)
{
    static const uint64_t blocks[] = {1, 16}, scales[] = {1};
    static char long_name[9000];
    memset(long_name, 'n', sizeof(long_name));
    memcpy(long_name + 8992, "_blocks", 7);
    const struct mxfs_tensor t[] = {
        {"\0_blocks", blocks, 0, 16, 8, 2, 0, MXFS_U8},
        {"\0_scales", scales, 0, 1, 8, 1, 0, MXFS_U8},
        {long_name, blocks, 0, 16, 8999, 2, 0, MXFS_U8},
    };
    const struct mxfs_tensor *sorted[] = {&t[0], &t[1], &t[2]};
    const struct mxfs_tensors set = {sorted, 3};
    const struct mxfs_quant_config config = {.dtype = -1};
    struct mxfs_grouping_options options = {.only = "*"};
    struct mxfs_grouping g;

    ck_assert_int_eq(mxfs_grouping_init(&g, &set, &config, &options), 0);
    ck_assert_uint_eq(g.count, 0); /* no glob matches them */
    mxfs_grouping_fini(&g);
    options.only = NULL;
    ck_assert_int_eq(mxfs_grouping_init(&g, &set, &config, &options), 0);
    ck_assert_uint_eq(g.count, 1);
    ck_assert_uint_eq(g.groups[0].name_len, 1);
    ck_assert_int_eq(g.groups[0].name[0], '\0');
    ck_assert_int_eq(g.role[2], MXFS_ROLE_HALF);
    mxfs_grouping_fini(&g);
    mxfs_grouping_fini(&g);
}
END_TEST

/* The root module has no name, so the names of its parts have no dot. */
START_TEST(parts_of_the_root_module)
{
    check_case(&(struct grouping_case){
        "weight_packed U8 4,32; weight_scale U8 4,2; weight_zero_point_of_another F32 1",
        "mxfp4-packed weight 4,64 < weight_packed weight_scale\n"
        "plain weight_zero_point_of_another\n"});
}
END_TEST

/* A part that cannot be read ends the search; it never leads to a verdict. */

static int read_nothing(void *reader, const struct mxfs_tensor *part, void *buf, size_t len,
                        uint64_t offset)
{
    (void)part;
    (void)offset;
    memset(buf, 0, len);
    return *(const int *)reader;
}

START_TEST(unreadable_parts)
{
    static const char *const texts[] = {
        "a_blocks U8 1,16; a_scales U8 1; x.weight_packed I32 4,4; x.weight_scale BF16 4,1;"
        "x.weight_shape I64 2",
        "x.weight U8 16,1; x.weight.absmax F32 1; x.weight.quant_map F32 16;"
        "x.weight.quant_state.bitsandbytes__nf4 U8 90; y_blocks U8 1,16",
    };
    /* errors that the engine itself uses must be passed on, too */
    static const int errors[] = {-EIO, -ENOENT, -ENOTSUP, -EINVAL, -ENOMEM};
    const struct mxfs_quant_config config = {.dtype = -1};

    for (size_t i = 0; i < MXFS_COUNT(texts) * MXFS_COUNT(errors); i++) {
        int error = errors[i / MXFS_COUNT(texts)];
        const struct mxfs_grouping_options options = {
            .match = {.unit_max = 1, .read = read_nothing, .reader = &error}};
        struct spec *spec = spec_new(texts[i % MXFS_COUNT(texts)]);
        struct mxfs_grouping g;
        ck_assert_int_eq(mxfs_grouping_init(&g, &spec->set, &config, &options), error);
        ck_assert_uint_eq(g.count + g.refusal_count, 0);
        ck_assert_ptr_nonnull(g.failed);
        ck_assert_int_eq(g.failed->name[0], 'x');
        mxfs_grouping_fini(&g);
        spec_free(spec);
    }
}
END_TEST

/* Tile sizes of FP8, one axis at a time. */

static const struct {
    uint64_t rows, scale_rows, cols, scale_cols;
    uint64_t block[2]; /* in the config */
    uint64_t tile[2];  /* 0: refused */
} tiles[] = {
    {256, 2, 512, 4, {0, 0}, {128, 128}},
    {576, 5, 512, 4, {0, 0}, {128, 128}},     /* ragged rows */
    {64, 2, 96, 3, {0, 0}, {32, 32}},         /* V4.1 */
    {7, 7, 320, 10, {0, 0}, {1, 32}},         /* one scale per row */
    {1, 1, 1, 1, {0, 0}, {1, 1}},             /* one element */
    {300, 3, 120, 2, {0, 0}, {128, 64}},      /* powers of two are preferred to ratios */
    {300, 3, 120, 2, {100, 60}, {100, 60}},   /* the config is preferred to both */
    {64, 2, 64, 2, {128, 128}, {32, 32}},     /* unless it does not fit */
    {64, 2, 64, 2, {32, 128}, {32, 32}},      /* even if only on one axis */
    {30, 3, 30, 3, {0, 0}, {10, 10}},         /* no power of two fits, so the ratio */
    {31, 3, 32, 1, {0, 0}, {0, 0}},           /* nothing fits */
    {4, 5, 4, 1, {0, 0}, {0, 0}},             /* more scales than elements */
    {4, 0, 4, 1, {0, 0}, {0, 0}},             /* no scales */
    {129, 2, 257, 3, {128, 128}, {128, 128}}, /* ragged both ways */
};

START_TEST(each_tile_size)
{
    char text[200];
    struct mxfs_quant_config config = {.dtype = -1};
    const struct mxfs_grouping_options options = {.match = {.unit_max = 1}};
    struct mxfs_grouping g;

    snprintf(text, sizeof(text),
             "x.weight F8_E4M3 %" PRIu64 ",%" PRIu64 "; x.scale F8_E8M0 %" PRIu64 ",%" PRIu64,
             tiles[_i].rows, tiles[_i].cols, tiles[_i].scale_rows, tiles[_i].scale_cols);
    memcpy(config.block, tiles[_i].block, sizeof(config.block));
    struct spec *spec = spec_new(text);
    ck_assert_int_eq(mxfs_grouping_init(&g, &spec->set, &config, &options), 0);
    ck_assert_uint_eq(g.count, tiles[_i].tile[0] ? 1 : 0);
    ck_assert_uint_eq(g.refusal_count, tiles[_i].tile[0] ? 0 : 1);
    if (g.count) {
        const struct scheme_fp8_layout *layout = g.groups[0].layout;
        ck_assert_uint_eq(layout->block_rows, tiles[_i].tile[0]);
        ck_assert_uint_eq(layout->block_cols, tiles[_i].tile[1]);
    }
    mxfs_grouping_fini(&g);
    spec_free(spec);
}
END_TEST

/* Units of transposed groups cover the output once, in order, and fit the limit if they can. */
START_TEST(units_tile_the_output)
{
    struct spec *spec = spec_new("e.experts.down_proj_blocks U8 3,70,11,16;"
                                 "e.experts.down_proj_scales U8 3,70,11");
    const struct mxfs_quant_config config = {.dtype = -1};
    uint64_t block = 192 * 17; /* 70 lanes in an odd number of cache lines, 16 code rows, 1 scale */

    for (uint64_t max = 1; max < 14 * block; max += block / 3) {
        const struct mxfs_grouping_options options = {.match = {.unit_max = max}};
        struct mxfs_grouping g;
        ck_assert_int_eq(mxfs_grouping_init(&g, &spec->set, &config, &options), 0);
        const struct mxfs_group *group = &g.groups[0];
        uint64_t next = 0;
        for (uint64_t index = 0; next < group->elements; index++) {
            struct mxfs_unit first, last;
            group->scheme->unit_at(group, next, &first);
            group->scheme->unit_at(group, next + first.count - 1, &last);
            ck_assert_uint_eq(first.index, index);
            ck_assert_uint_eq(first.first, next);
            ck_assert_int_eq(memcmp(&first, &last, sizeof(first)), 0);
            ck_assert(first.bytes <= max || first.bytes == block);
            next += first.count;
        }
        ck_assert_uint_eq(next, group->elements);
        mxfs_grouping_fini(&g);
    }
    spec_free(spec);
}
END_TEST

START_TEST(output_type_of_groups)
{
    struct spec *spec = spec_new("a_blocks U8 1,16; a_scales U8 1");
    const struct mxfs_quant_config config = {.dtype = -1};

    for (int out = 0; out < MXFS_OUT_COUNT; out++) {
        const struct mxfs_grouping_options options = {.match = {.out = (enum mxfs_out)out}};
        struct mxfs_grouping g;
        ck_assert_int_eq(mxfs_grouping_init(&g, &spec->set, &config, &options), 0);
        ck_assert_int_eq(g.groups[0].out, out);
        mxfs_grouping_fini(&g);
    }
    spec_free(spec);
}
END_TEST

START_TEST(schemes_are_complete)
{
    for (size_t i = 0; mxfs_schemes[i]; i++) {
        const struct mxfs_scheme *s = mxfs_schemes[i];
        ck_assert(s->name[0] && s->writers[0] && s->forms);
        ck_assert(!s->fit == !(s->spans || s->unit_at));
        ck_assert(!s->spans == !s->decode);
        ck_assert(!s->unit_at == !s->strips && !s->unit_at == !s->pack &&
                  !s->unit_at == !s->unpack);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(s->name, mxfs_schemes[j]->name);
    }
}
END_TEST

/* Every table has an end, begins with a main part, and has suffixes that fit the index of names. */
START_TEST(forms_are_complete)
{
    for (size_t i = 0; mxfs_schemes[i]; i++) {
        for (const struct scheme_form *f = mxfs_schemes[i]->forms; f->part[0].suffix; f++) {
            size_t n = 0;
            ck_assert(!f->reason == (mxfs_schemes[i]->fit != NULL));
            ck_assert(!f->reason || f->name);
            ck_assert_int_eq(f->part[0].role, SCHEME_CODES);
            while (n < SCHEME_FORM_PARTS && f->part[n].suffix) {
                ck_assert(n == 0 || f->part[n].role != SCHEME_CODES);
                ck_assert(n == 0 || strlen(f->part[n].suffix) >= 2);
                n++;
            }
            ck_assert_uint_lt(n, SCHEME_FORM_PARTS);
        }
    }
}
END_TEST

enum { ALL_NAMES = 2000 };

/* One tensor for each name and type that any form accepts. */
static size_t every_name(struct mxfs_tensor tensors[ALL_NAMES])
{
    size_t n = 0;

    for (size_t i = 0; mxfs_schemes[i]; i++) {
        for (const struct scheme_form *f = mxfs_schemes[i]->forms; f->part[0].suffix; f++) {
            for (const struct scheme_part *p = f->part; p->suffix && n < ALL_NAMES; p++) {
                char *name;
                int len = asprintf(&name, "%06zu%s", n, p->suffix);
                enum mxfs_dtype dtype = 0;
                while (!(p->dtypes >> dtype & 1))
                    dtype++;
                tensors[n++] =
                    (struct mxfs_tensor){.name = name, .name_len = (uint32_t)len, .dtype = dtype};
            }
        }
    }
    return n;
}

/* A file may use every name at once, and the index of names has room for all of them. */
START_TEST(every_name_at_once)
{
    static struct mxfs_tensor tensors[ALL_NAMES];
    static const struct mxfs_tensor *sorted[ALL_NAMES];
    struct mxfs_tensors set = {sorted, every_name(tensors)};
    const struct mxfs_quant_config config = {.dtype = -1};
    const struct mxfs_grouping_options options = {
        .match = {.unit_max = 1, .absent = &set, .comfy = true}};
    struct mxfs_grouping g;

    ck_assert_uint_gt(set.count, 100);
    ck_assert_uint_lt(set.count, ALL_NAMES);
    for (size_t i = 0; i < set.count; i++)
        sorted[i] = &tensors[i];
    ck_assert_int_eq(mxfs_grouping_init(&g, &set, &config, &options), 0);
    mxfs_grouping_fini(&g);
    for (size_t i = 0; i < set.count; i++)
        free((char *)(uintptr_t)tensors[i].name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grouping");
    TCase *matching = tcase_create("matching"), *details = tcase_create("details");

    tcase_add_loop_test(matching, each_format, 0, MXFS_COUNT(formats));
    tcase_add_loop_test(matching, each_refusal, 0, MXFS_COUNT(refusals));
    tcase_add_loop_test(matching, each_clash, 0, MXFS_COUNT(clashes));
    tcase_add_loop_test(matching, each_decoy, 0, MXFS_COUNT(decoys));
    tcase_add_loop_test(matching, each_activation, 0, MXFS_COUNT(activations));
    tcase_add_loop_test(matching, each_choice, 0, MXFS_COUNT(choices));
    suite_add_tcase(suite, matching);
    tcase_add_loop_test(details, each_tile_size, 0, MXFS_COUNT(tiles));
    tcase_add_test(details, names_with_nul_and_long_ones);
    tcase_add_test(details, parts_of_the_root_module);
    tcase_add_test(details, unreadable_parts);
    tcase_add_test(details, units_tile_the_output);
    tcase_add_test(details, output_type_of_groups);
    tcase_add_test(details, schemes_are_complete);
    tcase_add_test(details, forms_are_complete);
    tcase_add_test(details, every_name_at_once);
    suite_add_tcase(suite, details);
    return test_run(suite);
}
