/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Prints the table of formats from the same rows that the engine matches.
 */
#include "list_schemes.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "mxfs/scheme.h"

static json_t *row_object(const struct mxfs_scheme_row *row)
{
    const char *methods = row->scheme->methods;

    if (row->reason)
        return json_pack("{s:s,s:b,s:s,s:s}", "name", row->name, "decoded", 0, "parts", row->parts,
                         "reason", row->reason);
    return json_pack("{s:s,s:b,s:s,s:s,s:s,s:s}", "name", row->name, "decoded", 1, "parts",
                     row->parts, "output", row->output, "writers", row->scheme->writers,
                     "quant_methods", methods ? methods : "");
}

static int print_json(void)
{
    json_t *rows = json_array();
    struct mxfs_scheme_row row;
    int rc = rows ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && mxfs_scheme_row(i, &row); i++) {
        if (json_array_append_new(rows, row_object(&row)) != 0)
            rc = -ENOMEM;
    }
    if (rc == 0)
        json_dumpf(rows, stdout, JSON_INDENT(1)); /* the caller checks stdout for errors */
    putchar('\n');
    json_decref(rows);
    return rc;
}

static void print_lines(void)
{
    struct mxfs_scheme_row row;

    for (size_t i = 0; mxfs_scheme_row(i, &row); i++) {
        printf("%-22s %-8s %s", row.name, row.reason ? "refused" : "decoded", row.parts);
        if (!row.reason)
            printf(" -> %s", row.output);
        if (!row.reason && row.scheme->methods)
            printf("  (%s)", row.scheme->methods);
        putchar('\n');
    }
}

int cmd_list_schemes(const struct mxfs_options *options, struct mxfs_error *err)
{
    if (!options->json)
        print_lines();
    else if (print_json() != 0)
        return mxfs_fail_memory(err, NULL);
    if (fflush(stdout) != 0 || ferror(stdout))
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s", strerror(errno));
    return 0;
}
