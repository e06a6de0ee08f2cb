/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Messages and decoded strings of the header parser.
 */
#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The name of the tensor being read, for a message. */
static struct mxfs_quoted quote_current(const struct safetensors_parser *p)
{
    struct mxfs_quoted quoted;
    char *name;

    /* A name may be 100 MB long, so it is decoded only if it has escapes. */
    if (p->name.len == p->name.raw_len || !(name = malloc(p->name.len)))
        return mxfs_quote(p->name.raw, p->name.raw_len);
    mxfs_json_decode(&p->name, name, p->name.len);
    quoted = mxfs_quote(name, p->name.len);
    free(name);
    return quoted;
}

int safetensors_fail(const struct safetensors_parser *p, const char *fmt, ...)
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

const char *safetensors_keep_text(struct safetensors_parser *p, const struct mxfs_json_string *s)
{
    char *at = p->out ? p->text_arena + p->text : NULL;

    if (at)
        mxfs_json_decode(s, at, s->len);
    p->text += s->len;
    return at;
}
