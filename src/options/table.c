/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The one table of options.
 */
#include "table.h"

#define AT(field) offsetof(struct mxfs_options, field)
#define MOUNT_NOISE(word)                                         \
    {                                                             \
        word, 0, OPTION_FLAG, AT(ignored), NULL, NULL, NULL, 0, 0 \
    }

const struct command_row mxfs_command_table[MXFS_COMMAND_HELP] = {
    [MXFS_COMMAND_MOUNT] = {"", 2, "mxfs SOURCE MOUNTPOINT"},
    [MXFS_COMMAND_LIST] = {"list", 1, "mxfs list SOURCE"},
    [MXFS_COMMAND_CAT] = {"cat", 2, "mxfs cat SOURCE TENSOR"},
};

const struct option_row mxfs_option_table[] = {
    {"dtype", 0, OPTION_CHOICE, AT(dtype), "TYPE", "auto|bf16|f16|f32",
     "type of the dequantized tensors: auto, bf16, f16 or f32 (auto: what config.json says if that "
     "is bfloat16 or float32, else bf16)",
     0, 0},
    {"views", 0, OPTION_STRING, AT(views), "LIST", NULL,
     "extra forms to show: tensors, npy, both (\"tensors,npy\", the default for a file) or none "
     "(the default for a folder)",
     0, 0},
    {"unsupported", 0, OPTION_CHOICE, AT(unsupported), "HOW", "refuse|raw",
     "what to do with tensors that cannot be dequantized exactly: refuse (exit 4, the default) or "
     "show them raw, as stored",
     0, 0},
    {"only", 0, OPTION_STRING, AT(only), "GLOB", NULL,
     "show only the tensors whose names match, e.g. \"*.layers.0.*\"", 0, 0},
    {"partial", 0, OPTION_FLAG, AT(partial), NULL, NULL,
     "show what is there of a model of which shards are missing", 0, 0},
    {"follow-symlinks", 0, OPTION_FLAG, AT(follow_symlinks), NULL, NULL,
     "with --allow-other: follow links out of SOURCE too", 0, 0},
    {"cache-size", 0, OPTION_SIZE, AT(cache_size), "SIZE", NULL,
     "memory for what will be read again, e.g. 64M (the default) or 1G", MXFS_CACHE_SIZE_MIN,
     (uint64_t)1 << 46},
    {"kernel", 0, OPTION_STRING, AT(kernel), "NAME", NULL,
     "decoding kernel instead of the best for this processor: scalar, avx2, ...", 0, 0},
    {"threads", 0, OPTION_NUMBER, AT(threads), "N", NULL,
     "most threads that answer requests (default: 10 to 16, by processors)", 1, 256},
    {"allow-other", 0, OPTION_FLAG, AT(allow_other), NULL, NULL,
     "let other users in, with the permissions of the source", 0, 0},
    {"auto-unmount", 0, OPTION_FLAG, AT(auto_unmount), NULL, NULL,
     "unmount when the process dies, however it dies", 0, 0},
    {"direct-io", 0, OPTION_FLAG, AT(direct_io), NULL, NULL,
     "bypass the page cache (shared mappings then fail)", 0, 0},
    {"json", 0, OPTION_FLAG, AT(json), NULL, NULL, "list: print one JSON object", 0, 0},
    {"foreground", 'f', OPTION_FLAG, AT(foreground), NULL, NULL, "do not go to the background", 0,
     0},
    {"debug", 'd', OPTION_FLAG, AT(debug), NULL, NULL, "print every request; implies --foreground",
     0, 0},
    {"generate", 0, OPTION_CHOICE, AT(generate), "WHAT", "none|man|bash|zsh|fish",
     "print the man page (man) or the completions of a shell (bash, zsh, fish)", 0, 0},
    {"help", 'h', OPTION_FLAG, AT(help), NULL, NULL, "print this text", 0, 0},
    {"version", 'V', OPTION_FLAG, AT(version), NULL, NULL, "print the version", 0, 0},
    /* What mount(8) and fstab hand to every helper; the mount is always ro,nosuid,nodev. */
    MOUNT_NOISE("ro"),
    MOUNT_NOISE("rw"),
    MOUNT_NOISE("defaults"),
    MOUNT_NOISE("dev"),
    MOUNT_NOISE("nodev"),
    MOUNT_NOISE("suid"),
    MOUNT_NOISE("nosuid"),
    MOUNT_NOISE("exec"),
    MOUNT_NOISE("noexec"),
    MOUNT_NOISE("atime"),
    MOUNT_NOISE("noatime"),
    MOUNT_NOISE("diratime"),
    MOUNT_NOISE("nodiratime"),
    MOUNT_NOISE("relatime"),
    MOUNT_NOISE("norelatime"),
    MOUNT_NOISE("strictatime"),
    MOUNT_NOISE("user"),
    MOUNT_NOISE("users"),
    MOUNT_NOISE("nouser"),
    MOUNT_NOISE("nofail"),
    MOUNT_NOISE("auto"),
    MOUNT_NOISE("noauto"),
    MOUNT_NOISE("_netdev"),
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};
