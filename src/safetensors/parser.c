/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What the parts of the header parser share: messages, and where decoded text goes.
 */
#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The name of the tensor being read, for a message. */
static struct mxfs_quoted quote_current(const struct mxfs_parser *p)
{
    struct mxfs_quoted quoted;
    char *name;

    /* Without escapes there is nothing to decode, and a name may have 100 MB. */
    if (p->name.len == p->name.raw_len || !(name = malloc(p->name.len)))
        return mxfs_quote(p->name.raw, p->name.raw_len);
    mxfs_json_decode(&p->name, name);
    quoted = mxfs_quote(name, p->name.len);
    free(name);
    return quoted;
}

int mxfs_parser_fail(const struct mxfs_parser *p, const char *fmt, ...)
{
    char reason[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);
    if (!p->in_entry)
        return mxfs_fail(p->err, MXFS_EXIT_MALFORMED, EINVAL, "%s: malformed header: %s", p->path,
                         reason);
    struct mxfs_quoted name = quote_current(p);
    return mxfs_fail(p->err, MXFS_EXIT_MALFORMED, EINVAL, "%s: malformed header: tensor %s: %s",
                     p->path, name.text, reason);
}

int mxfs_parser_bad_json(const struct mxfs_parser *p)
{
    return mxfs_parser_fail(p, "%s at byte %zu", p->json.error,
                            MXFS_SAFETENSORS_PREFIX + p->json.pos);
}

const char *mxfs_parser_keep_text(struct mxfs_parser *p, const struct mxfs_json_string *s)
{
    char *at = p->out ? p->text_arena + p->text : NULL;

    if (at)
        mxfs_json_decode(s, at);
    p->text += s->len;
    return at;
}
