/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A set of names: a hash table with slots of 8 bytes, which is sized once and never grows.
 */
#include "nameset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mxfs/bytes.h"

struct safetensors_nameset_slot {
    uint32_t hash; /* upper half of the name's hash; the lower half selects the slot */
    uint32_t next; /* index in the list plus 1; 0: the slot is empty */
};

/*
 * Folds both halves of a 128-bit product into one, so that every input bit affects every output
 * bit.
 */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_name(const struct safetensors_nameset *set, struct safetensors_name name)
{
    uint64_t hash = set->seed[0] ^ name.len, word;

    for (; name.len >= 8; name.text += 8, name.len -= 8)
        hash = mix(hash ^ mxfs_load_le64(name.text), set->seed[1]);
    word = 0;
    memcpy(&word, name.text, name.len);
    return mix(mix(hash ^ word, set->seed[1]), set->seed[1]);
}

int safetensors_nameset_init(struct safetensors_nameset *set, size_t count)
{
    size_t slots = 8;

    while (slots < count + count / 4)
        slots *= 2;
    set->slots = calloc(slots, sizeof(*set->slots));
    if (!set->slots)
        return -ENOMEM;
    set->mask = slots - 1;
    /* Early during boot there may be no random bytes; fall back on the address of the table. */
    set->seed[0] = set->seed[1] = (uint64_t)(uintptr_t)set->slots;
    if (getrandom(set->seed, sizeof(set->seed), GRND_NONBLOCK) < 0)
        set->seed[1] *= 0x9E3779B97F4A7C15u;
    set->seed[1] |= 1;
    return 0;
}

static bool same(struct safetensors_name a, struct safetensors_name b)
{
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

uint32_t safetensors_nameset_add(struct safetensors_nameset *set, struct safetensors_name name,
                                 uint32_t index, safetensors_nameset_at *at, const void *list)
{
    uint64_t hash = hash_name(set, name);
    uint32_t upper = (uint32_t)(hash >> 32);

    for (size_t i = hash & set->mask;; i = (i + 1) & set->mask) {
        struct safetensors_nameset_slot *slot = &set->slots[i];
        if (slot->next == 0) {
            *slot = (struct safetensors_nameset_slot){.hash = upper, .next = index + 1};
            return index;
        }
        if (slot->hash == upper && same(at(list, slot->next - 1), name))
            return slot->next - 1;
    }
}

void safetensors_nameset_fini(struct safetensors_nameset *set)
{
    free(set->slots);
    *set = (struct safetensors_nameset){0};
}
