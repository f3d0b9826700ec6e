/* BLAKE2b (RFC 7693) with a digest of 16 bytes and no key, without the interpreter lock, for the kernel
   that compacts. Same result as hashlib.blake2b(data, digest_size=16). */

#ifndef ANABRANCH_BLAKE2B_H
#define ANABRANCH_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint64_t anabranch_blake2b_iv[8] = {
    0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu, 0xA54FF53A5F1D36F1u,
    0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu, 0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u};

/* Which word of the message each half-step of a round takes; rounds 11 and 12 are those of 1 and 2. */
static const uint8_t anabranch_blake2b_sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static uint64_t anabranch_blake2b_load(const uint8_t *at) {
    uint64_t word = 0;
    for (int byte = 7; byte >= 0; byte--)
        word = word << 8 | at[byte];
    return word;
}

static uint64_t anabranch_blake2b_turn(uint64_t word, int by) {
    return word >> by | word << (64 - by);
}

static void anabranch_blake2b_mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] = v[a] + v[b] + x;
    v[d] = anabranch_blake2b_turn(v[d] ^ v[a], 32);
    v[c] = v[c] + v[d];
    v[b] = anabranch_blake2b_turn(v[b] ^ v[c], 24);
    v[a] = v[a] + v[b] + y;
    v[d] = anabranch_blake2b_turn(v[d] ^ v[a], 16);
    v[c] = v[c] + v[d];
    v[b] = anabranch_blake2b_turn(v[b] ^ v[c], 63);
}

static void anabranch_blake2b_block(uint64_t *h, const uint8_t *block, uint64_t hashed, int last) {
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++)
        m[i] = anabranch_blake2b_load(block + 8 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = anabranch_blake2b_iv[i];
    }
    v[12] ^= hashed; /* keys have fewer than 2**64 bytes: the upper word of the count is zero */
    if (last)
        v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = anabranch_blake2b_sigma[round % 10];
        anabranch_blake2b_mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        anabranch_blake2b_mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        anabranch_blake2b_mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        anabranch_blake2b_mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        anabranch_blake2b_mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        anabranch_blake2b_mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        anabranch_blake2b_mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        anabranch_blake2b_mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

/* The digest's two halves, read as little-endian words. */
static void anabranch_blake2b_16(const uint8_t *data, size_t size, int64_t *halves) {
    uint64_t h[8], hashed = 0;
    uint8_t rest[128];
    memcpy(h, anabranch_blake2b_iv, sizeof h);
    h[0] ^= 0x01010000u ^ 16u; /* digest of 16 bytes, no key, sequential */
    while (size > 128) {
        hashed += 128;
        anabranch_blake2b_block(h, data, hashed, 0);
        data += 128;
        size -= 128;
    }
    memset(rest, 0, sizeof rest);
    if (size)
        memcpy(rest, data, size);
    anabranch_blake2b_block(h, rest, hashed + size, 1);
    halves[0] = (int64_t)h[0];
    halves[1] = (int64_t)h[1];
}

#endif
