/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * ModelOpt W4A16_AWQ and W4A8_AWQ: X.weight U8 [.., N / 2, K] holds signed 4-bit integers of two
 * rows, the even one in the low half of a byte; X.weight_scale [.., N, groups] multiplies, then so
 * does X.pre_quant_scale [K]. X.weight_scale_2 belongs to the quantizer of activations and does not
 * enter the weight.
 *
 * Source: NVIDIA/Model-Optimizer modelopt/torch/export/quant_utils.py pack_int4_in_uint8,
 * pre_quant_scale as in its NVFP4_AWQ.
 */
#include <errno.h>
#include <string.h>

#include "integers.h"

static const struct scheme_form forms[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, ".weight_scale", SCHEME_LINEAR, SCHEME_TELLS | SCHEME_TYPED},
              {SCHEME_COLUMNS, ".pre_quant_scale", SCHEME_LINEAR, 0},
              {SCHEME_OTHER, ".weight_scale_2", SCHEME_ANY, 0}}},
    {0},
};

static int fit(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];
    const char *method = c->match->config->method;
    uint32_t rank = codes->rank;

    if (method[0] != '\0' && strcmp(method, "modelopt") != 0)
        return scheme_refuse(c, "its bytes have scales, but ModelOpt did not write it");
    if (rank < 2 || scales->rank != rank || !scheme_same_dims(codes, scales, rank - 2) ||
        scales->shape[rank - 2] / 2 != codes->shape[rank - 2] || scales->shape[rank - 2] % 2 != 0)
        return scheme_refuse(c, scheme_no_fit);
    int rc = scheme_set_axis(c, rank - 2, codes->shape[rank - 2], 2);
    if (rc != 0)
        return rc;
    struct scheme_int *layout = scheme_int_new(c, 4, MXFS_CODE8_SIGNED);
    if (!layout)
        return -ENOMEM;
    layout->row_pairs = true;
    layout->via = MXFS_OUT_F32;
    rc = scheme_int_spread(c, layout, scales->shape[rank - 1]);
    return rc == 0 ? scheme_int_finish(c, layout) : rc;
}

const struct mxfs_scheme scheme_int4_pairs = {
    .name = "int4-pairs",
    .writers = "ModelOpt W4A16_AWQ and W4A8_AWQ",
    .methods = "modelopt",
    .forms = forms,
    .refuses_transforms = true,
    .fit = fit,
    .spans = scheme_int_spans,
    .decode = scheme_int_decode,
};
