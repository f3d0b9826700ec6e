/* CRC-32C (Castagnoli) without the interpreter lock, for the kernels that walk whole batches.

   Uses the processor's instruction where the compiler and the processor have it, eight bytes at a time,
   and tables elsewhere. Same result as the crc32c package: start with 0, feed the last result back in. */

#ifndef ANABRANCH_CRC32C_H
#define ANABRANCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ANABRANCH_POLYNOMIAL 0x82F63B78u /* reflected */

static uint32_t anabranch_crc32c_table[8][256];
static int anabranch_crc32c_ready = 0;

static void anabranch_crc32c_prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? ANABRANCH_POLYNOMIAL : 0);
        anabranch_crc32c_table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int slice = 1; slice < 8; slice++) {
            uint32_t before = anabranch_crc32c_table[slice - 1][byte];
            anabranch_crc32c_table[slice][byte] =
                (before >> 8) ^ anabranch_crc32c_table[0][before & 0xFF];
        }
    anabranch_crc32c_ready = 1;
}

static uint32_t anabranch_crc32c_by_table(uint32_t crc, const uint8_t *data, size_t size) {
    while (size >= 8) {
        uint32_t low = crc ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 |
                              (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
        crc = anabranch_crc32c_table[7][low & 0xFF] ^ anabranch_crc32c_table[6][low >> 8 & 0xFF] ^
              anabranch_crc32c_table[5][low >> 16 & 0xFF] ^ anabranch_crc32c_table[4][low >> 24] ^
              anabranch_crc32c_table[3][data[4]] ^ anabranch_crc32c_table[2][data[5]] ^
              anabranch_crc32c_table[1][data[6]] ^ anabranch_crc32c_table[0][data[7]];
        data += 8;
        size -= 8;
    }
    while (size--)
        crc = (crc >> 8) ^ anabranch_crc32c_table[0][(crc ^ *data++) & 0xFF];
    return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)

__attribute__((target("sse4.2"))) static uint32_t
anabranch_crc32c_by_processor(uint32_t crc, const uint8_t *data, size_t size) {
    uint64_t wide = crc;
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        wide = __builtin_ia32_crc32di(wide, word);
        data += 8;
        size -= 8;
    }
    crc = (uint32_t)wide;
    while (size--)
        crc = __builtin_ia32_crc32qi(crc, *data++);
    return crc;
}

static int anabranch_crc32c_has_processor(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

static uint32_t anabranch_crc32c_by_processor(uint32_t crc, const uint8_t *data, size_t size) {
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        crc = __crc32cd(crc, word);
        data += 8;
        size -= 8;
    }
    while (size--)
        crc = __crc32cb(crc, *data++);
    return crc;
}

static int anabranch_crc32c_has_processor(void) { return 1; }

#else

#define anabranch_crc32c_by_processor anabranch_crc32c_by_table
static int anabranch_crc32c_has_processor(void) { return 0; }

#endif

static int anabranch_crc32c_processor = 0;

/* To be called once, with the interpreter lock, before the first anabranch_crc32c. */
static void anabranch_crc32c_start(void) {
    if (!anabranch_crc32c_ready)
        anabranch_crc32c_prepare();
    anabranch_crc32c_processor = anabranch_crc32c_has_processor();
}

static uint32_t anabranch_crc32c(uint32_t crc, const uint8_t *data, size_t size) {
    crc = ~crc;
    crc = anabranch_crc32c_processor ? anabranch_crc32c_by_processor(crc, data, size)
                                     : anabranch_crc32c_by_table(crc, data, size);
    return ~crc;
}

#endif
