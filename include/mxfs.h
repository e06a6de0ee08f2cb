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
 * Values, order, names and offsets are the same as in a mount by the mxfs program, and the same
 * sources are accepted and refused. libfuse is not needed.
 *
 * Thread safety: any number of threads may use a handle at once; a reader serves one thread at a
 * time. Free all readers before mxfs_close(). Pointers in a description belong to the handle and
 * stay valid until it is closed.
 *
 * The host process: the library writes to no descriptor, changes no limit, signal handler or
 * environment variable, and starts no thread. It keeps every file of the source open, so a model of
 * N shards takes N descriptors; raise RLIMIT_NOFILE first if that exceeds the limit. When
 * descriptors run out, mxfs_open() fails cleanly.
 *
 * ABI: functions are added, never changed or removed. Structs that callers pass begin with
 * `struct_size`, which the caller sets to the sizeof it was compiled with. They grow only at the
 * end, and the library neither reads nor writes past struct_size. Fields unknown to an older caller
 * have their defaults; fields unknown to an older library are set to zero. Enums may gain values.
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

/** Bytes that hold any message of mxfs_open(). */
#define MXFS_ERROR_SIZE 1024

/** Results of mxfs_open(); the numbers are the exit codes of the mxfs program. */
enum mxfs_status {
    MXFS_OK = 0,          /**< success */
    MXFS_USAGE = 2,       /**< an option is invalid */
    MXFS_MALFORMED = 3,   /**< the source violates its format */
    MXFS_UNSUPPORTED = 4, /**< it is quantized in a way that cannot be dequantized exactly */
    MXFS_UNREADABLE = 5,  /**< it cannot be opened or read, or is incomplete */
    MXFS_FAILED = 6,      /**< anything else, such as out of memory */
};

/** An open source. */
struct mxfs_handle;

/** Reads from an open source, for one thread at a time; owns the scratch memory of its reads. */
struct mxfs_reader;

/** Types of dequantized tensors. */
enum mxfs_type {
    MXFS_TYPE_AUTO, /**< the dtype in config.json if it is BF16 or F32, else BF16 */
    MXFS_TYPE_BF16, /**< bfloat16 */
    MXFS_TYPE_F16,  /**< IEEE 754 binary16 */
    MXFS_TYPE_F32,  /**< IEEE 754 binary32 */
};

/** How to open a source. Zero in a field means its default; start with MXFS_OPEN_OPTIONS_INIT. */
struct mxfs_open_options {
    size_t struct_size;  /**< sizeof(struct mxfs_open_options) */
    uint64_t cache_size; /**< bytes of packed data to cache, at least 1 MiB; default: 64 MiB */
    const char *only;    /**< glob of the tensors to show; default: all */
    const char *scheme;  /**< the only schemes to use, such as "fp8,nvfp4"; default: all */
    const char *kernel;  /**< decoding kernel, such as "scalar"; default: the best one */
    int type;            /**< enum mxfs_type of dequantized tensors */
    int raw;             /**< not 0: show tensors that cannot be dequantized as they are stored */
    int partial;         /**< not 0: accept missing shards and leave out tensors that need them */
};

/** Initializer: every option at its default. */
#define MXFS_OPEN_OPTIONS_INIT                                         \
    {                                                                  \
        sizeof(struct mxfs_open_options), 0, NULL, NULL, NULL, 0, 0, 0 \
    }

/** A tensor as shown. */
struct mxfs_description {
    size_t struct_size;    /**< set by the caller: sizeof(struct mxfs_description) */
    const char *name;      /**< UTF-8, NUL-terminated; may also contain NUL */
    size_t name_len;       /**< bytes of the name, without the final NUL */
    const char *dtype;     /**< as in a safetensors header, e.g. "BF16" */
    const char *scheme;    /**< how it was quantized, e.g. "mxfp4-gptoss", or "plain" */
    const uint64_t *shape; /**< `rank` dimensions, row-major, outermost first */
    size_t rank;           /**< 0 for a scalar */
    uint64_t size;         /**< bytes */
    size_t file;           /**< number of the virtual file that holds it */
    uint64_t offset;       /**< of its first byte, from the start of that file */
};

/** A virtual safetensors file. */
struct mxfs_file_description {
    size_t struct_size;  /**< set by the caller: sizeof(struct mxfs_file_description) */
    const char *name;    /**< path relative to the source's folder; NUL-terminated */
    uint64_t size;       /**< bytes */
    size_t first_tensor; /**< number of its first tensor; the others follow */
    size_t tensor_count; /**< number of its tensors */
};

/** Returned by mxfs_find() when there is no such tensor. */
#define MXFS_NO_TENSOR ((size_t)-1)

/** Importance of a log line. */
enum mxfs_log {
    MXFS_LOG_LINE_ERROR,   /**< a read failed, or one of several reasons to refuse a source */
    MXFS_LOG_LINE_WARNING, /**< a file is ignored */
    MXFS_LOG_LINE_NOTICE,  /**< worth knowing about the source */
};

/**
 * Sends the library's log lines, for all handles, to `log`; NULL, the default, drops them. `line`
 * is one line without a newline, with control characters escaped; `importance` is an enum mxfs_log.
 * Any thread that uses the library may call `log`, several at once. Call this before any other
 * function.
 */
MXFS_API void mxfs_set_log(void (*log)(void *data, int importance, const char *line), void *data);

/**
 * Opens a .safetensors file, a model folder or a Hugging Face cache folder. `options` is NULL, or a
 * list like "dtype=f32,cache-size=256M,only=*.layers.0.*" of the program's options dtype,
 * unsupported, only, scheme, partial, cache-size and kernel; a backslash escapes a comma inside a
 * value. Returns MXFS_OK, or another enum mxfs_status: *out is then NULL, and `why` (`why_size`
 * bytes; may be NULL, 0) holds one line that says why.
 */
MXFS_API int mxfs_open(struct mxfs_handle **out, const char *path, const char *options, char *why,
                       size_t why_size);

/** Like mxfs_open(), with typed options; NULL means every default. */
MXFS_API int mxfs_open_with(struct mxfs_handle **out, const char *path,
                            const struct mxfs_open_options *options, char *why, size_t why_size);

/** Closes and frees; accepts NULL. */
MXFS_API void mxfs_close(struct mxfs_handle *handle);

/** The number of tensors. They are numbered by file, and by name within a file. */
MXFS_API size_t mxfs_tensor_count(const struct mxfs_handle *handle);

/** Describes tensor `index` (< mxfs_tensor_count()). The caller sets out->struct_size. */
MXFS_API void mxfs_describe(const struct mxfs_handle *handle, size_t index,
                            struct mxfs_description *out);

/** The number of the first tensor called `name`, or MXFS_NO_TENSOR. A copy in a shard other than
 * the one that the index names for it does not count. */
MXFS_API size_t mxfs_find(const struct mxfs_handle *handle, const char *name, size_t name_len);

/** The number of virtual safetensors files. */
MXFS_API size_t mxfs_file_count(const struct mxfs_handle *handle);

/** Describes virtual file `file` (< mxfs_file_count()). The caller sets out->struct_size. */
MXFS_API void mxfs_describe_file(const struct mxfs_handle *handle, size_t file,
                                 struct mxfs_file_description *out);

/** Makes a reader for an open source; free it before mxfs_close(). NULL when out of memory. */
MXFS_API struct mxfs_reader *mxfs_reader_new(const struct mxfs_handle *handle);

/** Frees; accepts NULL. */
MXFS_API void mxfs_reader_free(struct mxfs_reader *reader);

/**
 * Reads up to `len` bytes of a tensor, starting at byte `offset`. Returns the number of bytes read
 * (fewer than `len` only at the end of the tensor, 0 past it), or -errno: -EIO when the source
 * cannot be read or has changed. The contents of `buf` are then undefined.
 */
MXFS_API ssize_t mxfs_read_tensor(struct mxfs_reader *reader, size_t index, void *buf, size_t len,
                                  uint64_t offset);

/** Like mxfs_read_tensor(), for the bytes of a virtual file. */
MXFS_API ssize_t mxfs_read_file(struct mxfs_reader *reader, size_t file, void *buf, size_t len,
                                uint64_t offset);

/** The version of the library, e.g. "0.1.0". */
MXFS_API const char *mxfs_version(void);

#ifdef __cplusplus
}
#endif

#endif
