/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libmxfs: read a quantized safetensors file, or a model folder, as if it were dequantized.
 *
 *     struct mxfs_handle *h;
 *     char why[MXFS_ERROR_SIZE];
 *     if (mxfs_open(&h, "model.safetensors", NULL, why, sizeof(why)) != MXFS_OK)
 *         return fprintf(stderr, "%s\n", why), 1;
 *     size_t i = mxfs_find(h, "model.layers.0.mlp.experts.down_proj", 36);
 *     struct mxfs_reader *r = mxfs_reader_new(h);
 *     ssize_t n = mxfs_read_tensor(r, i, buffer, sizeof(buffer), 0);
 *     mxfs_reader_free(r);
 *     mxfs_close(h);
 *
 * Values, order, names and offsets are those of a mount made by the mxfs program, and a source is
 * accepted or refused as there. libfuse is not needed.
 *
 * Thread safety: a handle may be used by any number of threads at once, a reader by one thread at a
 * time. mxfs_close() comes last, after the readers are freed. What a description points to belongs
 * to the handle and lives as long.
 *
 * The host process: the library writes to no descriptor, changes no limit, signal or environment,
 * and starts no thread. It keeps every file of the source open, so a model of N shards takes N
 * descriptors: raise RLIMIT_NOFILE first where that is more than the limit. mxfs_open() fails
 * cleanly when it runs out.
 *
 * ABI: functions are only added. Structs that cross the border begin with `struct_size`, which the
 * caller sets to the sizeof that it was compiled with; they grow at the end only, and the library
 * neither reads nor writes beyond struct_size. Fields that an older caller lacks have their
 * default, fields that an older library lacks become zero. Enums may gain values.
 */
#ifndef MXFS_H
#define MXFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MXFS_API __attribute__((visibility("default")))

/** Room for any message of mxfs_open(). */
#define MXFS_ERROR_SIZE 1024

/** What mxfs_open() returns; the numbers are the exit codes of the mxfs program. */
enum mxfs_status {
    MXFS_OK = 0,
    MXFS_USAGE = 2,       /**< an option is wrong */
    MXFS_MALFORMED = 3,   /**< the source violates its format */
    MXFS_UNSUPPORTED = 4, /**< it is quantized in a way that cannot be dequantized exactly */
    MXFS_UNREADABLE = 5,  /**< it cannot be opened or read, or is incomplete */
    MXFS_FAILED = 6,      /**< anything else, such as out of memory */
};

/** An open source. */
struct mxfs_handle;

/** Reads from an open source, for one thread at a time: it has the memory that reads need. */
struct mxfs_reader;

/** Types of dequantized tensors. */
enum mxfs_type {
    MXFS_TYPE_AUTO, /**< the one that config.json names if BF16 or F32, else BF16 */
    MXFS_TYPE_BF16,
    MXFS_TYPE_F16,
    MXFS_TYPE_F32,
};

/** How to open. Zero in a field is its default; start with MXFS_OPEN_OPTIONS_INIT. */
struct mxfs_open_options {
    size_t struct_size;  /**< sizeof(struct mxfs_open_options) */
    uint64_t cache_size; /**< bytes of decoded-from data to keep, 1 MiB at least; default: 64 MiB */
    const char *only;    /**< glob of the tensors to show; default: all */
    const char *scheme;  /**< the only schemes to use, such as "fp8,nvfp4"; default: all */
    const char *kernel;  /**< decoding kernel, such as "scalar"; default: the best one */
    int type;            /**< enum mxfs_type of dequantized tensors */
    int raw;             /**< not 0: show tensors that cannot be dequantized as they are stored */
    int partial;         /**< not 0: accept missing shards, and leave out what needs them */
};

/** Options with every default. */
#define MXFS_OPEN_OPTIONS_INIT                                         \
    {                                                                  \
        sizeof(struct mxfs_open_options), 0, NULL, NULL, NULL, 0, 0, 0 \
    }

/** A tensor as shown. */
struct mxfs_description {
    size_t struct_size;    /**< set by the caller: sizeof(struct mxfs_description) */
    const char *name;      /**< UTF-8; NUL-terminated, and may hold NUL */
    size_t name_len;       /**< bytes of the name, without the final NUL */
    const char *dtype;     /**< as in a safetensors header, e.g. "BF16" */
    const char *scheme;    /**< how it was quantized, e.g. "mxfp4-gptoss", or "plain" */
    const uint64_t *shape; /**< `rank` dimensions, row-major, outermost first */
    size_t rank;           /**< 0 for a scalar */
    uint64_t size;         /**< bytes */
    size_t file;           /**< number of its virtual file */
    uint64_t offset;       /**< of its first byte in that file */
};

/** A virtual safetensors file. */
struct mxfs_file_description {
    size_t struct_size;  /**< set by the caller: sizeof(struct mxfs_file_description) */
    const char *name;    /**< path relative to the source's folder; NUL-terminated */
    uint64_t size;       /**< bytes */
    size_t first_tensor; /**< number of its first tensor; the others follow */
    size_t tensor_count; /**< how many it has */
};

/** What mxfs_find() returns when there is no such tensor. */
#define MXFS_NO_TENSOR ((size_t)-1)

/** The importance of a log line. */
enum mxfs_log {
    MXFS_LOG_LINE_ERROR,   /**< a read failed, or one of several reasons to refuse a source */
    MXFS_LOG_LINE_WARNING, /**< a file is ignored */
    MXFS_LOG_LINE_NOTICE,  /**< worth knowing about the source */
};

/**
 * Sends log lines of the whole process to `log`; NULL, the default, drops them. `line` is one line
 * without a newline, control characters escaped; `importance` is an enum mxfs_log. `log` may be
 * called by any thread that uses the library, also by several at once. Call this before any other
 * function.
 */
MXFS_API void mxfs_set_log(void (*log)(void *data, int importance, const char *line), void *data);

/**
 * Opens a .safetensors file, a model folder or a Hugging Face cache folder. `options` is a list
 * like "dtype=f32,cache-size=256M,only=*.layers.0.*" of the program's options dtype, unsupported,
 * only, scheme, partial, cache-size and kernel (a backslash keeps a comma), or NULL. Returns
 * MXFS_OK, or another enum mxfs_status with one line in `why` (`why_size` bytes; may be NULL, 0),
 * and *out is NULL.
 */
MXFS_API int mxfs_open(struct mxfs_handle **out, const char *path, const char *options, char *why,
                       size_t why_size);

/** Opens with typed options; NULL for every default. Otherwise like mxfs_open(). */
MXFS_API int mxfs_open_with(struct mxfs_handle **out, const char *path,
                            const struct mxfs_open_options *options, char *why, size_t why_size);

/** Closes and frees; accepts NULL. */
MXFS_API void mxfs_close(struct mxfs_handle *handle);

/** Number of tensors. They are numbered by file, and in a file by name. */
MXFS_API size_t mxfs_tensor_count(const struct mxfs_handle *handle);

/** Describes tensor `index`, below mxfs_tensor_count(). out->struct_size must be set. */
MXFS_API void mxfs_describe(const struct mxfs_handle *handle, size_t index,
                            struct mxfs_description *out);

/** The number of a tensor by name, the first of that name, or MXFS_NO_TENSOR. */
MXFS_API size_t mxfs_find(const struct mxfs_handle *handle, const char *name, size_t name_len);

/** Number of virtual safetensors files. */
MXFS_API size_t mxfs_file_count(const struct mxfs_handle *handle);

/** Describes virtual file `file`, below mxfs_file_count(). out->struct_size must be set. */
MXFS_API void mxfs_describe_file(const struct mxfs_handle *handle, size_t file,
                                 struct mxfs_file_description *out);

/** Makes a reader of an open source, to be freed before mxfs_close(). NULL when out of memory. */
MXFS_API struct mxfs_reader *mxfs_reader_new(const struct mxfs_handle *handle);

/** Frees; accepts NULL. */
MXFS_API void mxfs_reader_free(struct mxfs_reader *reader);

/**
 * Reads up to `len` bytes of a tensor from `offset` on. Returns their number (fewer than `len` only
 * at the end of the tensor, 0 after it), or -errno: -EIO when the source fails or has changed, and
 * `buf` then holds garbage.
 */
MXFS_API ssize_t mxfs_read_tensor(struct mxfs_reader *reader, size_t index, void *buf, size_t len,
                                  uint64_t offset);

/** Reads a virtual file as mxfs_read_tensor() reads a tensor. */
MXFS_API ssize_t mxfs_read_file(struct mxfs_reader *reader, size_t file, void *buf, size_t len,
                                uint64_t offset);

/** The version of the library, e.g. "0.1.0". */
MXFS_API const char *mxfs_version(void);

#ifdef __cplusplus
}
#endif

#endif
