#include "clua_engine.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <string.h>

// The `struct` library: values of Lua as fields of C structures.

enum { MOST_INTEGER = 32, NATURAL_ALIGNMENT = 8 };

typedef struct {
    const char *rest;
    bool is_little;
    size_t alignment;
} format;

static size_t take_number(lua_State *lua, format *format, size_t otherwise) {
    if (!isdigit((unsigned char)*format->rest)) return otherwise;
    int number = 0;
    do {
        int digit = *format->rest++ - '0';
        if (number > INT_MAX / 10 || number * 10 > INT_MAX - digit) luaL_error(lua, "integral size overflow");
        number = number * 10 + digit;
    } while (isdigit((unsigned char)*format->rest));
    return (size_t)number;
}

static size_t take_size(lua_State *lua, format *format, char option) {
    size_t size;
    switch (option) {
    case 'b': case 'B': case 'x': return 1;
    case 'h': case 'H': return sizeof(short);
    case 'l': case 'L': return sizeof(long);
    case 'T': return sizeof(size_t);
    case 'f': return sizeof(float);
    case 'd': return sizeof(double);
    case 'c': return take_number(lua, format, 1);
    case 'i': case 'I':
        size = take_number(lua, format, sizeof(int));
        if (size > MOST_INTEGER) {
            luaL_error(lua, "integral size %d is larger than limit of %d", (int)size, MOST_INTEGER);
        }
        return size;
    default: return 0;
    }
}

// What is no value but says how the next ones are laid out.
static void take_control(lua_State *lua, format *format, char option) {
    switch (option) {
    case ' ': return;
    case '<': format->is_little = true; return;
    case '>': format->is_little = false; return;
    case '!':
        format->alignment = take_number(lua, format, NATURAL_ALIGNMENT);
        if (format->alignment == 0 || (format->alignment & (format->alignment - 1)) != 0) {
            luaL_error(lua, "alignment %d is not a power of 2", (int)format->alignment);
        }
        return;
    default: luaL_argerror(lua, 1, lua_pushfstring(lua, "invalid format option '%c'", option));
    }
}

static size_t padding(const format *format, size_t place, char option, size_t size) {
    if (size == 0 || option == 'c') return 0;
    if (size > format->alignment) size = format->alignment;
    if (size <= 1) return 0;
    return (size - (place & (size - 1))) & (size - 1);
}

static void reverse(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        uint8_t byte = bytes[i];
        bytes[i] = bytes[count - 1 - i];
        bytes[count - 1 - i] = byte;
    }
}

static uint64_t bits_of(double number) {
    if (number < 0) return number >= -0x1p63 ? (uint64_t)(int64_t)number : (uint64_t)1 << 63;
    if (number < 0x1p64) return (uint64_t)number;
    return isnan(number) ? (uint64_t)1 << 63 : 0;
}

static const format native = {NULL, true, 1};

// MARK: packing

static void pack_integer(lua_State *lua, int index, const format *format, size_t size, clua_buffer *output) {
    uint64_t value = bits_of(luaL_checknumber(lua, index));
    uint8_t bytes[MOST_INTEGER] = {0};
    for (size_t i = 0; i < size && i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    if (!format->is_little) reverse(bytes, size);
    clua_append(output, bytes, size);
}

static void pack_float(lua_State *lua, int index, const format *format, size_t size, clua_buffer *output) {
    double number = luaL_checknumber(lua, index);
    float single = (float)number;
    uint8_t bytes[sizeof number];
    if (size == sizeof single) memcpy(bytes, &single, size); else memcpy(bytes, &number, size);
    if (!format->is_little) reverse(bytes, size);
    clua_append(output, bytes, size);
}

static int pack(lua_State *lua) {
    format format = native;
    format.rest = luaL_checkstring(lua, 1);
    clua_buffer *output = &clua_of(lua)->scratch;
    clua_clear(output);
    // Behind the last argument stands a nil.
    lua_pushnil(lua);
    int index = 2;
    while (*format.rest != 0) {
        char option = *format.rest++;
        size_t size = take_size(lua, &format, option);
        for (size_t i = padding(&format, output->count, option, size); i > 0; i--) clua_append_byte(output, 0);
        switch (option) {
        case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
            pack_integer(lua, index++, &format, size, output);
            break;
        case 'f': case 'd': pack_float(lua, index++, &format, size, output); break;
        case 'x': clua_append_byte(output, 0); break;
        case 'c': case 's': {
            size_t count;
            const char *text = luaL_checklstring(lua, index++, &count);
            if (size == 0) size = count;
            luaL_argcheck(lua, count >= size, index, "string too short");
            clua_append(output, text, size);
            if (option == 's') clua_append_byte(output, 0);
            break;
        }
        default: take_control(lua, &format, option);
        }
    }
    return clua_push_scratch(lua);
}

// MARK: unpacking

static void push_integer(lua_State *lua, const uint8_t *bytes, const format *format, size_t size, bool is_signed) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | bytes[format->is_little ? size - 1 - i : i];
    if (!is_signed) return lua_pushnumber(lua, (double)value);
    // Of more than 8 bytes the sign is looked for where it is in their remainder.
    uint64_t above = ~(uint64_t)0 << ((size * 8 - 1) & 63);
    if ((value & above) != 0) value |= above;
    lua_pushnumber(lua, (double)(int64_t)value);
}

static void push_float(lua_State *lua, const uint8_t *from, const format *format, size_t size) {
    uint8_t bytes[sizeof(double)];
    memcpy(bytes, from, size);
    if (!format->is_little) reverse(bytes, size);
    float single;
    double number;
    if (size == sizeof single) {
        memcpy(&single, bytes, size);
        number = single;
    } else {
        memcpy(&number, bytes, size);
    }
    lua_pushnumber(lua, number);
}

static void check_room(lua_State *lua, size_t size, size_t place, size_t count) {
    luaL_argcheck(lua, size <= count && place <= count - size, 2, "data string too short");
}

static int unpack(lua_State *lua) {
    format format = native;
    format.rest = luaL_checkstring(lua, 1);
    size_t count;
    const char *data = luaL_checklstring(lua, 2, &count);
    size_t place = (size_t)luaL_optinteger(lua, 3, 1);
    luaL_argcheck(lua, place > 0, 3, "offset must be 1 or greater");
    place--;
    int values = 0;
    while (*format.rest != 0) {
        char option = *format.rest++;
        size_t size = take_size(lua, &format, option);
        place += padding(&format, place, option, size);
        check_room(lua, size, place, count);
        luaL_checkstack(lua, 2, "too many results");
        const uint8_t *bytes = (const uint8_t *)data + place;
        switch (option) {
        case 'b': case 'B': case 'h': case 'H': case 'l': case 'L': case 'T': case 'i': case 'I':
            push_integer(lua, bytes, &format, size, islower((unsigned char)option));
            values++;
            break;
        case 'f': case 'd':
            push_float(lua, bytes, &format, size);
            values++;
            break;
        case 'x': break;
        case 'c':
            if (size == 0) {
                if (values == 0 || !lua_isnumber(lua, -1)) luaL_error(lua, "format 'c0' needs a previous size");
                size = (size_t)bits_of(lua_tonumber(lua, -1));
                lua_pop(lua, 1);
                values--;
                check_room(lua, size, place, count);
            }
            lua_pushlstring(lua, (const char *)bytes, size);
            values++;
            break;
        case 's': {
            const char *end = memchr(bytes, 0, count - place);
            if (end == NULL) luaL_error(lua, "unfinished string in data");
            size = (size_t)(end - (const char *)bytes) + 1;
            lua_pushlstring(lua, (const char *)bytes, size - 1);
            values++;
            break;
        }
        default: take_control(lua, &format, option);
        }
        place += size;
    }
    lua_pushinteger(lua, (lua_Integer)place + 1);
    return values + 1;
}

static int size(lua_State *lua) {
    format format = native;
    format.rest = luaL_checkstring(lua, 1);
    size_t place = 0;
    while (*format.rest != 0) {
        char option = *format.rest++;
        size_t size = take_size(lua, &format, option);
        place += padding(&format, place, option, size);
        if (option == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
        if (option == 'c' && size == 0) luaL_argerror(lua, 1, "option 'c0' has no fixed size");
        if (!isalnum((unsigned char)option)) take_control(lua, &format, option);
        place += size;
    }
    lua_pushinteger(lua, (lua_Integer)place);
    return 1;
}

static const luaL_Reg functions[] = {{"pack", pack}, {"unpack", unpack}, {"size", size}, {NULL, NULL}};

int clua_open_struct(lua_State *lua) {
    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    return 1;
}
