/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * 8-bit integers under the name X.weight, which stays:
 *
 *  - compressed-tensors `int-quantized` and `naive-quantized`: X.weight I8 [.., N, K] and
 *    X.weight_scale [.., N, groups], [N] or of one element; optional X.weight_zero_point I8 like
 *    the scales, and X.weight_g_idx. Products are rounded to the type of the scales.
 *  - ModelOpt INT8: X.weight_scale [N], optional X.pre_quant_scale [K], which multiplies the
 * columns
 *
 * Sources: compressed-tensors quantization/lifecycle/forward_helpers.py; ModelOpt
 * modelopt/torch/export/quant_utils.py.
 */
#include <errno.h>
#include <string.h>

#include "integers.h"
#include "scales.h"

static const struct scheme_form forms[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(I8), 0},
              {SCHEME_SCALES, ".weight_scale", SCHEME_LINEAR, SCHEME_TELLS | SCHEME_TYPED},
              {SCHEME_ZEROS, ".weight_zero_point", SCHEME_BIT(I8), SCHEME_ASYMMETRIC},
              {SCHEME_COLUMNS, ".pre_quant_scale", SCHEME_LINEAR, 0},
              {SCHEME_G_IDX, ".weight_g_idx", SCHEME_BIT(I32), 0}}},
    {0},
};

/* Spreads the scales over the codes. */
static int fit_scales(struct scheme_case *c, struct scheme_int *layout)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];
    bool of_rows = codes->rank == 2 && scales->rank == 1 && scales->shape[0] == codes->shape[0];

    layout->one_scale = !of_rows && scheme_is_single(scales) && scales->rank <= 2;
    if (of_rows || layout->one_scale)
        return scheme_int_spread(c, layout, 1);
    if (scales->rank != codes->rank || !scheme_same_dims(codes, scales, codes->rank - 1))
        return scheme_refuse(c, scheme_no_fit);
    return scheme_int_spread(c, layout, scheme_last_dim(scales));
}

static int fit(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];

    if (codes->rank < 2)
        return scheme_refuse(c, scheme_no_fit);
    int rc = scheme_set_shape(c, codes->shape, codes->rank);
    if (rc != 0)
        return rc;
    struct scheme_int *layout = scheme_int_new(c, 8, MXFS_CODE8_SIGNED);
    if (!layout)
        return -ENOMEM;
    if (strcmp(c->match->config->method, "modelopt") == 0)
        layout->via = MXFS_OUT_F32;
    rc = fit_scales(c, layout);
    return rc == 0 ? scheme_int_finish(c, layout) : rc;
}

const struct mxfs_scheme scheme_int8 = {
    .name = "int8",
    .writers = "compressed-tensors int-quantized, ModelOpt",
    .methods = "compressed-tensors,modelopt",
    .forms = forms,
    .refuses_transforms = true,
    .fit = fit,
    .spans = scheme_int_spans,
    .decode = scheme_int_decode,
};
