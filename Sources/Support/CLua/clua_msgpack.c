#include "clua_engine.h"

#include <math.h>
#include <string.h>

// The `cmsgpack` library: MessagePack without binary and extension types, as Redis 7.0 has it.

// Deeper tables are packed as nil.
enum { MOST_NESTED = 16 };

// MARK: packing

static void head(clua_buffer *output, int type, uint64_t value, int size) {
    clua_append_byte(output, (char)type);
    while (size-- > 0) clua_append_byte(output, (char)(value >> (size * 8)));
}

static void pack_text(lua_State *lua, clua_buffer *output) {
    size_t count;
    const char *text = lua_tolstring(lua, -1, &count);
    if (count < 32) {
        head(output, 0xa0 | (int)count, 0, 0);
    } else if (count <= 0xff) {
        head(output, 0xd9, count, 1);
    } else if (count <= 0xffff) {
        head(output, 0xda, count, 2);
    } else {
        head(output, 0xdb, count, 4);
    }
    clua_append(output, text, count);
}

static void pack_integer(clua_buffer *output, int64_t number) {
    uint64_t bits = (uint64_t)number;
    if (number >= 0) {
        if (number <= 0x7f) return head(output, (int)number, 0, 0);
        if (number <= 0xff) return head(output, 0xcc, bits, 1);
        if (number <= 0xffff) return head(output, 0xcd, bits, 2);
        if (number <= 0xffffffff) return head(output, 0xce, bits, 4);
        return head(output, 0xcf, bits, 8);
    }
    if (number >= -32) return head(output, (int)(number & 0xff), 0, 0);
    if (number >= INT8_MIN) return head(output, 0xd0, bits, 1);
    if (number >= INT16_MIN) return head(output, 0xd1, bits, 2);
    if (number >= INT32_MIN) return head(output, 0xd2, bits, 4);
    head(output, 0xd3, bits, 8);
}

static void pack_number(lua_State *lua, clua_buffer *output) {
    double number = lua_tonumber(lua, -1);
    if (number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number) {
        return pack_integer(output, (int64_t)number);
    }
    float single = (float)number;
    if ((double)single == number) {
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        head(output, 0xca, bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        head(output, 0xcb, bits, 8);
    }
}

// The elements of the table on top when its keys are 1, 2, …, else -1.
static int64_t array_length(lua_State *lua) {
    int64_t count = 0, most = 0;
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pop(lua, 1);
        double key = lua_type(lua, -1) == LUA_TNUMBER ? lua_tonumber(lua, -1) : 0;
        if (!(key > 0 && key < 0x1p31 && floor(key) == key)) {
            lua_pop(lua, 1);
            return -1;
        }
        if (key > (double)most) most = (int64_t)key;
        count++;
    }
    return most == count ? count : -1;
}

static void pack(lua_State *lua, clua_buffer *output, int depth);

static void pack_table(lua_State *lua, clua_buffer *output, int depth) {
    int64_t count = array_length(lua);
    if (count >= 0) {
        if (count <= 15) {
            head(output, 0x90 | (int)count, 0, 0);
        } else {
            head(output, count <= 0xffff ? 0xdc : 0xdd, (uint64_t)count, count <= 0xffff ? 2 : 4);
        }
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(lua, -1, i);
            pack(lua, output, depth + 1);
        }
        return;
    }
    count = 0;
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        count++;
        lua_pop(lua, 1);
    }
    if (count <= 15) {
        head(output, 0x80 | (int)count, 0, 0);
    } else {
        head(output, count <= 0xffff ? 0xde : 0xdf, (uint64_t)count, count <= 0xffff ? 2 : 4);
    }
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pushvalue(lua, -2);
        pack(lua, output, depth + 1);
        pack(lua, output, depth + 1);
    }
}

// Takes the value on top.
static void pack(lua_State *lua, clua_buffer *output, int depth) {
    luaL_checkstack(lua, 5, "in function mp_encode_lua_type");
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING: pack_text(lua, output); break;
    case LUA_TBOOLEAN: head(output, lua_toboolean(lua, -1) ? 0xc3 : 0xc2, 0, 0); break;
    case LUA_TNUMBER: pack_number(lua, output); break;
    case LUA_TTABLE:
        clua_watch_time(lua, output);
        if (depth < MOST_NESTED && !output->overflowed) {
            pack_table(lua, output, depth);
            break;
        }
        // fall through
    default: head(output, 0xc0, 0, 0);
    }
    lua_pop(lua, 1);
}

static int pack_all(lua_State *lua) {
    int count = lua_gettop(lua);
    if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
    clua_buffer *output = &clua_of(lua)->scratch;
    clua_clear(output);
    // Redis makes room for all of them once more.
    if (!lua_checkstack(lua, count)) return luaL_argerror(lua, 0, "Too many arguments for MessagePack pack.");
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(lua, i);
        pack(lua, output, 0);
    }
    return clua_push_scratch(lua);
}

// MARK: unpacking

typedef struct {
    const uint8_t *bytes;
    size_t left;
} source;

static int missing(lua_State *lua) { return luaL_error(lua, "Missing bytes in input."); }

static uint64_t take(lua_State *lua, source *source, int size) {
    if (source->left < (size_t)size) missing(lua);
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value = value << 8 | source->bytes[i];
    source->bytes += size;
    source->left -= (size_t)size;
    return value;
}

static void unpack(lua_State *lua, source *source);

static void unpack_text(lua_State *lua, source *source, size_t count) {
    if (source->left < count) missing(lua);
    lua_pushlstring(lua, (const char *)source->bytes, count);
    source->bytes += count;
    source->left -= count;
}

static void unpack_array(lua_State *lua, source *source, uint64_t count) {
    luaL_checkstack(lua, 2, "in function mp_decode_to_lua_array");
    lua_newtable(lua);
    for (uint64_t i = 1; i <= count; i++) {
        lua_pushnumber(lua, (double)i);
        unpack(lua, source);
        lua_settable(lua, -3);
    }
}

static void unpack_map(lua_State *lua, source *source, uint64_t count) {
    luaL_checkstack(lua, 3, "in function mp_decode_to_lua_hash");
    lua_newtable(lua);
    while (count-- > 0) {
        unpack(lua, source);
        unpack(lua, source);
        lua_settable(lua, -3);
    }
}

static void unpack_float(lua_State *lua, source *source) {
    uint32_t bits = (uint32_t)take(lua, source, 4);
    float number;
    memcpy(&number, &bits, sizeof number);
    lua_pushnumber(lua, number);
}

static void unpack_double(lua_State *lua, source *source) {
    uint64_t bits = take(lua, source, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    lua_pushnumber(lua, number);
}

// Pushes the next value.
static void unpack(lua_State *lua, source *source) {
    luaL_checkstack(lua, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
    uint8_t type = (uint8_t)take(lua, source, 1);
    if (type < 0x80) return lua_pushnumber(lua, type);
    if (type < 0x90) return unpack_map(lua, source, type & 15);
    if (type < 0xa0) return unpack_array(lua, source, type & 15);
    if (type < 0xc0) return unpack_text(lua, source, type & 31);
    if (type >= 0xe0) return lua_pushnumber(lua, (int8_t)type);
    switch (type) {
    case 0xc0: return lua_pushnil(lua);
    case 0xc2: return lua_pushboolean(lua, 0);
    case 0xc3: return lua_pushboolean(lua, 1);
    case 0xca: return unpack_float(lua, source);
    case 0xcb: return unpack_double(lua, source);
    case 0xcc: return lua_pushnumber(lua, (double)take(lua, source, 1));
    case 0xcd: return lua_pushnumber(lua, (double)take(lua, source, 2));
    case 0xce: return lua_pushnumber(lua, (double)take(lua, source, 4));
    case 0xcf: return lua_pushnumber(lua, (double)(int64_t)take(lua, source, 8));
    case 0xd0: return lua_pushnumber(lua, (int8_t)take(lua, source, 1));
    case 0xd1: return lua_pushnumber(lua, (int16_t)take(lua, source, 2));
    case 0xd2: return lua_pushnumber(lua, (int32_t)take(lua, source, 4));
    case 0xd3: return lua_pushnumber(lua, (double)(int64_t)take(lua, source, 8));
    case 0xd9: return unpack_text(lua, source, take(lua, source, 1));
    case 0xda: return unpack_text(lua, source, take(lua, source, 2));
    case 0xdb: return unpack_text(lua, source, take(lua, source, 4));
    case 0xdc: return unpack_array(lua, source, take(lua, source, 2));
    case 0xdd: return unpack_array(lua, source, take(lua, source, 4));
    case 0xde: return unpack_map(lua, source, take(lua, source, 2));
    case 0xdf: return unpack_map(lua, source, take(lua, source, 4));
    default: luaL_error(lua, "Bad data format in input.");
    }
}

// Values from `offset` on, all of them when both are 0; else with the place behind them in front, -1 at the end.
static int unpack_some(lua_State *lua, int limit, int offset) {
    size_t count;
    const char *bytes = luaL_checklstring(lua, 1, &count);
    if (offset < 0 || limit < 0) {
        return luaL_error(
            lua, "Invalid request to unpack with offset of %d and limit of %d.", offset, (int)count);
    }
    if ((size_t)offset > count) {
        return luaL_error(lua, "Start offset %d greater than input length %d.", offset, (int)count);
    }
    bool is_all = limit == 0 && offset == 0;
    source source = {(const uint8_t *)bytes + offset, count - (size_t)offset};
    int values = 0;
    while (source.left > 0 && (is_all || values < limit)) {
        unpack(lua, &source);
        values++;
    }
    if (is_all) return values;
    luaL_checkstack(lua, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
    lua_pushinteger(lua, source.left == 0 ? -1 : (lua_Integer)(count - source.left));
    lua_insert(lua, -values - 1);
    return values + 1;
}

static int unpack_all(lua_State *lua) { return unpack_some(lua, 0, 0); }

static int unpack_one(lua_State *lua) {
    int offset = luaL_optint(lua, 2, 0);
    lua_settop(lua, 1);
    return unpack_some(lua, 1, offset);
}

static int unpack_limit(lua_State *lua) {
    int limit = luaL_checkint(lua, 2), offset = luaL_optint(lua, 3, 0);
    lua_settop(lua, 1);
    return unpack_some(lua, limit, offset);
}

static const luaL_Reg functions[] = {
    {"pack", pack_all},
    {"unpack", unpack_all},
    {"unpack_one", unpack_one},
    {"unpack_limit", unpack_limit},
    {NULL, NULL},
};

// What scripts can ask of the library itself, in the words that they find in Redis.
static const char *const words[][2] = {
    {"_NAME", "cmsgpack"},
    {"_VERSION", "lua-cmsgpack 0.4.0"},
    {"_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"},
    {"_DESCRIPTION", "MessagePack C implementation for Lua"},
};

int clua_open_msgpack(lua_State *lua) {
    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        lua_pushstring(lua, words[i][1]);
        lua_setfield(lua, -2, words[i][0]);
    }
    return 1;
}
