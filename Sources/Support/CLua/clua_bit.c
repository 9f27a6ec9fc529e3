#include "clua_engine.h"

#include <string.h>

// The `bit` library: operations on 32 bits, with signed results.

// A number modulo 2^32, halves rounded to even. What is beyond 2^51 is what adding this constant makes of it, which
// scripts can see.
static int32_t checked(lua_State *lua, int index) {
    double shifted = luaL_checknumber(lua, index) + 6755399441055744.0;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (int32_t)(uint32_t)bits;
}

static int pushed(lua_State *lua, uint32_t value) {
    lua_pushnumber(lua, (int32_t)value);
    return 1;
}

static int to_bit(lua_State *lua) { return pushed(lua, (uint32_t)checked(lua, 1)); }

static int not(lua_State *lua) { return pushed(lua, ~(uint32_t)checked(lua, 1)); }

static int and(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) value &= (uint32_t)checked(lua, i);
    return pushed(lua, value);
}

static int or(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) value |= (uint32_t)checked(lua, i);
    return pushed(lua, value);
}

static int xor(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) value ^= (uint32_t)checked(lua, i);
    return pushed(lua, value);
}

static int shift_left(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    return pushed(lua, value << (checked(lua, 2) & 31));
}

static int shift_right(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    return pushed(lua, value >> (checked(lua, 2) & 31));
}

static int shift_signed(lua_State *lua) {
    int32_t value = checked(lua, 1);
    return pushed(lua, (uint32_t)(value >> (checked(lua, 2) & 31)));
}

static uint32_t rotated(uint32_t value, int bits) {
    bits &= 31;
    return bits == 0 ? value : value << bits | value >> (32 - bits);
}

static int rotate_left(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    return pushed(lua, rotated(value, checked(lua, 2)));
}

static int rotate_right(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    return pushed(lua, rotated(value, 32 - (checked(lua, 2) & 31)));
}

static int swap(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    return pushed(lua, value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24);
}

static int to_hexadecimal(lua_State *lua) {
    uint32_t value = (uint32_t)checked(lua, 1);
    int64_t count = lua_isnone(lua, 2) ? 8 : checked(lua, 2);
    const char *digits = count < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    if (count < 0) count = -count;
    if (count > 8) count = 8;
    char text[8];
    for (int64_t i = count - 1; i >= 0; i--, value >>= 4) text[i] = digits[value & 15];
    lua_pushlstring(lua, text, (size_t)count);
    return 1;
}

static const luaL_Reg functions[] = {
    {"tobit", to_bit},      {"bnot", not},           {"band", and},          {"bor", or},
    {"bxor", xor},          {"lshift", shift_left},  {"rshift", shift_right}, {"arshift", shift_signed},
    {"rol", rotate_left},   {"ror", rotate_right},   {"bswap", swap},        {"tohex", to_hexadecimal},
    {NULL, NULL},
};

int clua_open_bit(lua_State *lua) {
    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    return 1;
}
