#include "clua_json.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// MARK: settings

static json_settings *settings_of(lua_State *lua) { return lua_touserdata(lua, lua_upvalueindex(1)); }

static const char *const switches[] = {"off", "on", "null", NULL};
static const char *const two_switches[] = {"off", "on", NULL};

// An argument that is true, false, or one of these words; pushes what it is now.
static void choose(lua_State *lua, int index, const char *const words[], int *value) {
    if (lua_type(lua, index) == LUA_TBOOLEAN) {
        *value = lua_toboolean(lua, index);
    } else if (!lua_isnoneornil(lua, index)) {
        *value = luaL_checkoption(lua, index, NULL, words);
    }
    if (*value > 1) lua_pushstring(lua, words[*value]); else lua_pushboolean(lua, *value);
}

static void choose_flag(lua_State *lua, int index, bool *flag) {
    int value = *flag;
    choose(lua, index, two_switches, &value);
    *flag = value;
}

static void choose_number(lua_State *lua, int index, int least, int most, int *value) {
    if (!lua_isnoneornil(lua, index)) {
        lua_Integer number = luaL_checkinteger(lua, index);
        if (number < least || number > most) {
            luaL_argerror(lua, 1, lua_pushfstring(lua, "expected integer between %d and %d", least, most));
        }
        *value = (int)number;
    }
    lua_pushinteger(lua, *value);
}

static json_settings *settings_for(lua_State *lua, int most) {
    luaL_argcheck(lua, lua_gettop(lua) <= most, most + 1, "found too many arguments");
    lua_settop(lua, most);
    return settings_of(lua);
}

static int set_sparse(lua_State *lua) {
    json_settings *settings = settings_for(lua, 3);
    choose_flag(lua, 1, &settings->converts_sparse);
    choose_number(lua, 2, 0, INT_MAX, &settings->sparse_ratio);
    choose_number(lua, 3, 0, INT_MAX, &settings->sparse_safe);
    return 3;
}

static int set_encode_depth(lua_State *lua) {
    choose_number(lua, 1, 1, INT_MAX, &settings_for(lua, 1)->encode_depth);
    return 1;
}

static int set_decode_depth(lua_State *lua) {
    choose_number(lua, 1, 1, INT_MAX, &settings_for(lua, 1)->decode_depth);
    return 1;
}

static int set_precision(lua_State *lua) {
    choose_number(lua, 1, 1, 14, &settings_for(lua, 1)->precision);
    return 1;
}

static int set_keeps_buffer(lua_State *lua) {
    choose_flag(lua, 1, &settings_for(lua, 1)->keeps_buffer);
    return 1;
}

static int set_encodes_invalid(lua_State *lua) {
    choose(lua, 1, switches, &settings_for(lua, 1)->encodes_invalid);
    return 1;
}

static int set_decodes_invalid(lua_State *lua) {
    choose_flag(lua, 1, &settings_for(lua, 1)->decodes_invalid);
    return 1;
}

// MARK: encoding

static const char escaped[] = "\"\\/\b\f\n\r\t";

static void encode_text(lua_State *lua, int index, clua_buffer *output) {
    size_t count;
    const char *text = lua_tolstring(lua, index, &count);
    clua_append_byte(output, '"');
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text[i];
        const char *place = strchr(escaped, byte);
        if (byte != 0 && place != NULL) {
            char escape[2] = {'\\', "\"\\/bfnrt"[place - escaped]};
            clua_append(output, escape, 2);
        } else if (byte < 0x20 || byte == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            clua_append(output, escape, 6);
        } else {
            clua_append_byte(output, (char)byte);
        }
    }
    clua_append_byte(output, '"');
}

static int refuse(lua_State *lua, int index, const char *reason) {
    return luaL_error(lua, "Cannot serialise %s: %s", lua_typename(lua, lua_type(lua, index)), reason);
}

static void encode_number(lua_State *lua, int index, const json_settings *settings, clua_buffer *output) {
    double number = lua_tonumber(lua, index);
    if (!isfinite(number) && settings->encodes_invalid != 1) {
        if (settings->encodes_invalid == 0) refuse(lua, index, "must not be NaN or Inf");
        return clua_append_text(output, "null");
    }
    char text[40];
    if (isnan(number)) {
        snprintf(text, sizeof text, "nan");
    } else {
        snprintf(text, sizeof text, "%.*g", settings->precision, number);
    }
    clua_append_text(output, text);
}

// The number of elements of the table on top as an array, holes included; -1 if it is none.
static int array_length(lua_State *lua, const json_settings *settings) {
    int items = 0;
    double most = 0;
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        double key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
        if (!(key >= 1 && key <= INT_MAX && floor(key) == key)) {
            lua_pop(lua, 2);
            return -1;
        }
        if (key > most) most = key;
        items++;
        lua_pop(lua, 1);
    }
    if (settings->sparse_ratio > 0 && most > (double)items * settings->sparse_ratio && most > settings->sparse_safe) {
        if (!settings->converts_sparse) refuse(lua, -1, "excessively sparse array");
        return -1;
    }
    return (int)most;
}

static void encode(lua_State *lua, const json_settings *settings, int depth, clua_buffer *output);

static void encode_object(lua_State *lua, const json_settings *settings, int depth, clua_buffer *output) {
    clua_append_byte(output, '{');
    bool is_first = true;
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        if (!is_first) clua_append_byte(output, ',');
        is_first = false;
        int type = lua_type(lua, -2);
        if (type == LUA_TNUMBER) {
            clua_append_byte(output, '"');
            encode_number(lua, -2, settings, output);
            clua_append_byte(output, '"');
        } else if (type == LUA_TSTRING) {
            encode_text(lua, -2, output);
        } else {
            refuse(lua, -2, "table key must be a number or string");
        }
        clua_append_byte(output, ':');
        encode(lua, settings, depth, output);
        lua_pop(lua, 1);
    }
    clua_append_byte(output, '}');
}

static void encode_table(lua_State *lua, const json_settings *settings, int depth, clua_buffer *output) {
    clua_watch_time(lua, output);
    if (output->overflowed) clua_fail_overflow(lua);
    if (depth > settings->encode_depth || !lua_checkstack(lua, 8)) {
        luaL_error(lua, "Cannot serialise, excessive nesting (%d)", depth);
    }
    int length = array_length(lua, settings);
    if (length <= 0) return encode_object(lua, settings, depth, output);
    clua_append_byte(output, '[');
    for (int i = 1; i <= length && !output->overflowed; i++) {
        if (i > 1) clua_append_byte(output, ',');
        lua_rawgeti(lua, -1, i);
        encode(lua, settings, depth, output);
        lua_pop(lua, 1);
    }
    clua_append_byte(output, ']');
}

static void encode(lua_State *lua, const json_settings *settings, int depth, clua_buffer *output) {
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING: return encode_text(lua, -1, output);
    case LUA_TNUMBER: return encode_number(lua, -1, settings, output);
    case LUA_TBOOLEAN: return clua_append_text(output, lua_toboolean(lua, -1) ? "true" : "false");
    case LUA_TTABLE: return encode_table(lua, settings, depth + 1, output);
    case LUA_TNIL: return clua_append_text(output, "null");
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua, -1) == NULL) return clua_append_text(output, "null");
        break;
    default: break;
    }
    refuse(lua, -1, "type not supported");
}

int clua_json_encode(lua_State *lua) {
    clua_buffer *output = &clua_of(lua)->scratch;
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    clua_clear(output);
    encode(lua, settings_of(lua), 0, output);
    return clua_push_scratch(lua);
}

// MARK: opening

static const luaL_Reg functions[] = {
    {"encode", clua_json_encode},
    {"decode", clua_json_decode},
    {"encode_sparse_array", set_sparse},
    {"encode_max_depth", set_encode_depth},
    {"decode_max_depth", set_decode_depth},
    {"encode_number_precision", set_precision},
    {"encode_keep_buffer", set_keeps_buffer},
    {"encode_invalid_numbers", set_encodes_invalid},
    {"decode_invalid_numbers", set_decodes_invalid},
    {"new", clua_open_json},
    {NULL, NULL},
};

// Also what `cjson.new` does: a library with settings of its own.
int clua_open_json(lua_State *lua) {
    lua_newtable(lua);
    json_settings *settings = lua_newuserdata(lua, sizeof *settings);
    *settings = (json_settings){
        .decodes_invalid = true, .keeps_buffer = true, .sparse_ratio = 2, .sparse_safe = 10,
        .encode_depth = 1000, .decode_depth = 1000, .precision = 14,
    };
    for (const luaL_Reg *function = functions; function->name != NULL; function++) {
        lua_pushvalue(lua, -1);
        lua_pushcclosure(lua, function->func, 1);
        lua_setfield(lua, -3, function->name);
    }
    lua_pop(lua, 1);
    lua_pushlightuserdata(lua, NULL);
    lua_setfield(lua, -2, "null");
    lua_pushliteral(lua, "cjson");
    lua_setfield(lua, -2, "_NAME");
    lua_pushliteral(lua, "2.1.0");
    lua_setfield(lua, -2, "_VERSION");
    return 1;
}
