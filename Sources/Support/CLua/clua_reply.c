#include "clua_engine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Values of Lua as replies. Every function takes the value on top of the stack; tables are read without their
// metatables, so that nothing of a script runs here.

// A number as the servers that this is compared with convert it: towards zero, and the least one when it fits not.
static int64_t integer_of(double value) {
    return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

static void header(clua_buffer *output, char type, int64_t number) {
    char text[32];
    int count = snprintf(text, sizeof text, "%c%lld\r\n", type, (long long)number);
    clua_append(output, text, (size_t)count);
}

static void bulk(clua_buffer *output, const char *text, size_t count) {
    header(output, '$', (int64_t)count);
    clua_append(output, text, count);
    clua_append_text(output, "\r\n");
}

// Text in which line breaks have become spaces, and the line's end.
static void append_line(clua_buffer *output, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++) {
        clua_append_byte(output, text[i] == '\r' || text[i] == '\n' ? ' ' : text[i]);
    }
    clua_append_text(output, "\r\n");
}

static void line(clua_buffer *output, char type, const char *text, size_t count) {
    clua_append_byte(output, type);
    append_line(output, text, count);
}

static void number(clua_buffer *output, double value, int version) {
    char text[40];
    if (isinf(value)) {
        snprintf(text, sizeof text, value > 0 ? "inf" : "-inf");
    } else {
        snprintf(text, sizeof text, "%.17g", value);
    }
    if (version == 3) line(output, ',', text, strlen(text)); else bulk(output, text, strlen(text));
}

// A script of version 2 knows no booleans, whatever its caller does: they are 1 and nothing.
static void boolean(bool value, int command_version, clua_buffer *output, int version) {
    if (command_version == 3 && version == 3) return clua_append_text(output, value ? "#t\r\n" : "#f\r\n");
    if (value) return clua_append_text(output, ":1\r\n");
    if (command_version == 3) return clua_append_text(output, ":0\r\n");
    clua_append_text(output, version == 3 ? "_\r\n" : "$-1\r\n");
}

// Pushes a field of the table on top, and says whether it is of that type; else nothing is left of it.
static bool has_field(lua_State *lua, const char *name, int type) {
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
    if (lua_type(lua, -1) == type) return true;
    lua_pop(lua, 1);
    return false;
}

// The elements of the table on top: its keys, and with `has_values` what they stand for.
static void elements(lua_State *lua, clua_buffer *output, char type, bool has_values, int version) {
    int64_t count = 0;
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        count++;
        lua_pop(lua, 1);
    }
    if (version == 3) header(output, type, count); else header(output, '*', has_values ? count * 2 : count);
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pushvalue(lua, -2);
        clua_write_reply(lua, output, version);
        if (has_values) clua_write_reply(lua, output, version); else lua_pop(lua, 1);
    }
}

static void array(lua_State *lua, clua_buffer *output, int version) {
    int count = 0;
    while (true) {
        lua_rawgeti(lua, -1, count + 1);
        bool is_end = lua_isnil(lua, -1);
        lua_pop(lua, 1);
        if (is_end) break;
        count++;
    }
    header(output, '*', count);
    for (int i = 1; i <= count && !output->overflowed; i++) {
        lua_rawgeti(lua, -1, i);
        clua_write_reply(lua, output, version);
    }
}

static bool verbatim(lua_State *lua, clua_buffer *output, int version) {
    if (!has_field(lua, "verbatim_string", LUA_TTABLE)) return false;
    bool is_whole = false;
    if (has_field(lua, "string", LUA_TSTRING)) {
        size_t count, format_count;
        const char *text = lua_tolstring(lua, -1, &count);
        lua_pushliteral(lua, "format");
        lua_rawget(lua, -3);
        const char *format = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &format_count) : NULL;
        if (format != NULL) {
            is_whole = true;
            if (version == 3) {
                char padded[5] = "   :";
                memcpy(padded, format, format_count < 3 ? format_count : 3);
                header(output, '=', (int64_t)count + 4);
                clua_append(output, padded, 4);
                clua_append(output, text, count);
                clua_append_text(output, "\r\n");
            } else {
                bulk(output, text, count);
            }
        }
        lua_pop(lua, 2);
    }
    lua_pop(lua, 1);
    return is_whole;
}

static void table(lua_State *lua, clua_buffer *output, int version) {
    size_t count;
    if (has_field(lua, "err", LUA_TSTRING)) {
        const char *text = lua_tolstring(lua, -1, &count);
        count = strlen(text);
        while (count > 0 && (text[count - 1] == '\r' || text[count - 1] == '\n')) count--;
        line(output, '-', text, count);
    } else if (has_field(lua, "ok", LUA_TSTRING)) {
        const char *text = lua_tolstring(lua, -1, &count);
        line(output, '+', text, strlen(text));
    } else if (has_field(lua, "double", LUA_TNUMBER)) {
        number(output, lua_tonumber(lua, -1), version);
    } else if (has_field(lua, "map", LUA_TTABLE)) {
        elements(lua, output, '%', true, version);
    } else if (has_field(lua, "set", LUA_TTABLE)) {
        elements(lua, output, '~', false, version);
    } else if (has_field(lua, "big_number", LUA_TSTRING)) {
        const char *text = lua_tolstring(lua, -1, &count);
        if (version == 3) {
            line(output, '(', text, count);
        } else {
            header(output, '$', (int64_t)count);
            append_line(output, text, count);
        }
    } else {
        if (!verbatim(lua, output, version)) array(lua, output, version);
        return;
    }
    lua_pop(lua, 1);
}

void clua_write_reply(lua_State *lua, clua_buffer *output, int version) {
    if (!lua_checkstack(lua, 6)) {
        clua_append_text(output, "-ERR reached lua stack limit\r\n");
        lua_pop(lua, 1);
        return;
    }
    size_t count;
    const char *text;
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
        text = lua_tolstring(lua, -1, &count);
        bulk(output, text, count);
        break;
    case LUA_TNUMBER: header(output, ':', integer_of(lua_tonumber(lua, -1))); break;
    case LUA_TBOOLEAN:
        boolean(lua_toboolean(lua, -1), clua_of(lua)->command_version, output, version);
        break;
    case LUA_TTABLE:
        clua_watch_time(lua, output);
        if (!output->overflowed) table(lua, output, version);
        break;
    default: clua_append_text(output, version == 3 ? "_\r\n" : "$-1\r\n");
    }
    lua_pop(lua, 1);
}
