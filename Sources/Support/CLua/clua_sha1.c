#include "CLua.h"

#include <string.h>

// SHA-1 (FIPS 180-4, section 6.1): names scripts, keeps no secret.

static uint32_t rotated(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void take_block(uint32_t state[5], const uint8_t *block) {
    uint32_t schedule[80];
    for (int i = 0; i < 16; i++) {
        schedule[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16
            | (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
    }
    for (int i = 16; i < 80; i++) {
        schedule[i] = rotated(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t mixed, constant;
        if (i < 20) {
            mixed = (b & c) | (~b & d);
            constant = 0x5a827999;
        } else if (i < 40) {
            mixed = b ^ c ^ d;
            constant = 0x6ed9eba1;
        } else if (i < 60) {
            mixed = (b & c) | (b & d) | (c & d);
            constant = 0x8f1bbcdc;
        } else {
            mixed = b ^ c ^ d;
            constant = 0xca62c1d6;
        }
        uint32_t next = rotated(a, 5) + mixed + e + constant + schedule[i];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void clua_sha1(clua_bytes data, char *digits) {
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t whole = data.count / 64 * 64, rest = data.count - whole;
    for (size_t place = 0; place < whole; place += 64) take_block(state, data.start + place);

    uint8_t end[128] = {0};
    if (rest > 0) memcpy(end, data.start + whole, rest);
    end[rest] = 0x80;
    size_t size = rest < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)data.count * 8;
    for (int i = 0; i < 8; i++) end[size - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (size_t place = 0; place < size; place += 64) take_block(state, end + place);

    for (int i = 0; i < CLUA_SHA1; i++) {
        digits[i] = "0123456789abcdef"[state[i / 8] >> (28 - i % 8 * 4) & 15];
    }
}
