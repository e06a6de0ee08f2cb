/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Detects instruction sets. x86: CPUID leaves 1 and 7, and XCR0, because an instruction set is
 * unusable when the system does not save its registers (Intel SDM volume 1, sections 13.3 and
 * 15.2). arm64: the auxiliary vector.
 */
#include "mxfs/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>

/** Bits of XCR0: the register state that the system saves. */
enum {
    XCR0_SSE_AVX = 0x06, /**< XMM and the upper halves of YMM */
    XCR0_AVX512 = 0xe0,  /**< opmasks, upper halves of ZMM0-15, ZMM16-31 */
};

/** CPUID bits that an instruction set needs, named as in <cpuid.h>. */
enum {
    LEAF7_EBX_AVX512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL,
    LEAF1_ECX_AVX2 = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C,
};

static uint32_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_all(uint32_t value, uint32_t bits)
{
    return (value & bits) == bits;
}

uint32_t mxfs_cpu_detect(void)
{
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !has_all(ecx, LEAF1_ECX_AVX2))
        return 0;
    uint32_t xcr0 = read_xcr0();
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has_all(xcr0, XCR0_SSE_AVX) ||
        !has_all(ebx, bit_AVX2))
        return 0;
    uint32_t cpu = MXFS_CPU_AVX2;
    if (has_all(xcr0, XCR0_AVX512) && has_all(ebx, LEAF7_EBX_AVX512) &&
        has_all(ecx, bit_AVX512VBMI))
        cpu |= MXFS_CPU_AVX512VBMI;
    if (cpu & MXFS_CPU_AVX512VBMI && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) &&
        has_all(eax, bit_AVX512BF16))
        cpu |= MXFS_CPU_AVX512BF16;
    return cpu;
}

#elif defined(__aarch64__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

uint32_t mxfs_cpu_detect(void)
{
    return getauxval(AT_HWCAP) & HWCAP_ASIMD ? MXFS_CPU_NEON : 0;
}

#else

uint32_t mxfs_cpu_detect(void)
{
    return 0;
}

#endif
