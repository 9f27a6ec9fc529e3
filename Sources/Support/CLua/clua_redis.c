#include "clua_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The `redis` library. What the server answers has been copied to the state before anything can fail.

// MARK: errors

static void push_error_table(lua_State *lua, const char *prefix, const char *text, size_t count) {
    lua_createtable(lua, 0, 2);
    lua_pushstring(lua, prefix);
    lua_pushlstring(lua, text, count);
    lua_concat(lua, 2);
    lua_setfield(lua, -2, "err");
}

void clua_push_error(lua_State *lua, const char *text, size_t count) {
    if (count > 0 && text[0] == '-') {
        text++;
        count--;
    }
    // Redis has it as a string of C.
    count = strnlen(text, count);
    while (count > 0 && (text[count - 1] == '\r' || text[count - 1] == '\n')) count--;
    push_error_table(lua, memchr(text, ' ', count) == NULL ? "ERR " : "", text, count);
}

// Where the server has answered it, and counted it.
static void push_answered_error(lua_State *lua, const char *text, size_t count) {
    clua_push_error(lua, text, count);
    lua_pushboolean(lua, 1);
    lua_setfield(lua, -2, "ignore_error_stats_update");
}

int clua_fail(lua_State *lua, const char *text) {
    push_error_table(lua, "ERR ", text, strlen(text));
    return lua_error(lua);
}

// MARK: replies of commands

static int64_t number_of(const char *text, size_t count) {
    bool is_negative = count > 0 && text[0] == '-';
    uint64_t value = 0;
    for (size_t i = is_negative; i < count; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    return is_negative ? -(int64_t)value : (int64_t)value;
}

static void set_field(lua_State *lua, const char *name) {
    lua_createtable(lua, 0, 1);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, name);
}

static size_t push_elements(lua_State *lua, char type, int64_t number, const char *reply, size_t count) {
    size_t read = 0;
    lua_createtable(lua, type == '*' ? (int)number : 0, type == '*' ? 0 : (int)number);
    for (int64_t i = 1; i <= number; i++) {
        read += clua_push_reply(lua, reply + read, count - read);
        if (type == '*' || type == '>') {
            lua_rawseti(lua, -2, (int)i);
        } else {
            if (type == '%') {
                read += clua_push_reply(lua, reply + read, count - read);
            } else {
                lua_pushboolean(lua, 1);
            }
            // A null cannot be a key.
            if (lua_isnil(lua, -2)) lua_pop(lua, 2); else lua_rawset(lua, -3);
        }
    }
    if (type == '%') set_field(lua, "map");
    if (type == '~') set_field(lua, "set");
    return read;
}

size_t clua_push_reply(lua_State *lua, const char *reply, size_t count) {
    luaL_checkstack(lua, 6, "the reply is nested too deeply");
    const char *end = memchr(reply, '\r', count);
    if (end == NULL || count < 3) {
        lua_pushnil(lua);
        return count;
    }
    char type = reply[0];
    const char *text = reply + 1;
    size_t length = (size_t)(end - text), read = length + 3;
    int64_t number = type == '+' || type == '-' ? 0 : number_of(text, length);
    switch (type) {
    case '+':
        lua_pushlstring(lua, text, length);
        set_field(lua, "ok");
        break;
    case '-':
        push_answered_error(lua, reply, length + 1);
        break;
    case ':': lua_pushnumber(lua, (double)number); break;
    case '$':
    case '=':
        if (number < 0) {
            lua_pushboolean(lua, 0);
            break;
        }
        if (type == '=' && number >= 4) {
            lua_createtable(lua, 0, 2);
            lua_pushlstring(lua, end + 6, (size_t)number - 4);
            lua_setfield(lua, -2, "string");
            lua_pushlstring(lua, end + 2, 3);
            lua_setfield(lua, -2, "format");
            set_field(lua, "verbatim_string");
        } else {
            lua_pushlstring(lua, end + 2, (size_t)number);
        }
        read += (size_t)number + 2;
        break;
    case '_': lua_pushnil(lua); break;
    case '#': lua_pushboolean(lua, text[0] == 't'); break;
    case ',':
        lua_pushnumber(lua, strtod(text, NULL));
        set_field(lua, "double");
        break;
    case '(':
        lua_pushlstring(lua, text, length);
        set_field(lua, "big_number");
        break;
    default:
        if (number < 0) {
            lua_pushboolean(lua, 0);
        } else {
            read += push_elements(lua, type, number, reply + read, count - read);
        }
    }
    return read;
}

// MARK: commands

// Takes all arguments as they go to the server; fails where one is neither string nor number.
static size_t take_arguments(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    int count = lua_gettop(lua);
    if (count == 0) clua_fail(lua, "Please specify at least one argument for this redis lib call");
    if (engine->argument_capacity < (size_t)count) {
        clua_bytes *arguments = realloc(engine->arguments, (size_t)count * sizeof *arguments);
        if (arguments == NULL) luaL_error(lua, "not enough memory");
        engine->arguments = arguments;
        engine->argument_capacity = (size_t)count;
    }
    for (int i = 1; i <= count; i++) {
        int type = lua_type(lua, i);
        if (type == LUA_TNUMBER) {
            char text[40];
            snprintf(text, sizeof text, "%.17g", lua_tonumber(lua, i));
            lua_pushstring(lua, text);
            lua_replace(lua, i);
        } else if (type != LUA_TSTRING) {
            clua_fail(lua, "Lua redis lib command arguments must be strings or integers");
        }
        size_t size;
        const char *text = lua_tolstring(lua, i, &size);
        engine->arguments[i - 1] = (clua_bytes){(const uint8_t *)text, size};
    }
    return (size_t)count;
}

static int run_command(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    // Commands may take long where few instructions run.
    if (++engine->calls % 128 == 0) clua_look(lua);
    size_t count = take_arguments(lua);
    clua_bytes reply = {NULL, 0};
    int32_t result = engine->host.call(
        engine->host.context, engine->arguments, count, engine->command_version, &reply);
    if (result == CLUA_REFUSED) {
        push_answered_error(lua, (const char *)reply.start, reply.count);
        return lua_error(lua);
    }
    clua_push_reply(lua, (const char *)reply.start, reply.count);
    return reply.count > 0 && reply.start[0] == '-' ? lua_error(lua) : 1;
}

// As redis.call, but a failure is its result.
static int run_command_gently(lua_State *lua) {
    int count = lua_gettop(lua);
    lua_pushcfunction(lua, run_command);
    lua_insert(lua, 1);
    int result = lua_pcall(lua, count, 1, 0);
    if (result != 0 && (clua_of(lua)->is_ended || !lua_istable(lua, -1))) return lua_error(lua);
    return 1;
}

static int check_command(lua_State *lua) {
    clua_engine *engine = clua_of(lua);
    size_t count = take_arguments(lua);
    int32_t result = engine->host.may_call(engine->host.context, engine->arguments, count);
    if (result < 0) return clua_fail(lua, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(lua, result);
    return 1;
}

// MARK: the rest

static int make_error(lua_State *lua) {
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
        push_error_table(lua, "ERR ", "wrong number or type of arguments", 33);
        return 1;
    }
    size_t count;
    const char *text = lua_tolstring(lua, 1, &count);
    clua_push_error(lua, text, count);
    return 1;
}

static int make_status(lua_State *lua) {
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) return make_error(lua);
    set_field(lua, "ok");
    return 1;
}

static int sha1_digits(lua_State *lua) {
    if (lua_gettop(lua) != 1) return clua_fail(lua, "wrong number of arguments");
    clua_bytes data = {(const uint8_t *)"", 0};
    size_t count;
    const char *text = lua_tolstring(lua, 1, &count);
    if (text != NULL) data = (clua_bytes){(const uint8_t *)text, count};
    char digits[CLUA_SHA1];
    clua_sha1(data, digits);
    lua_pushlstring(lua, digits, CLUA_SHA1);
    return 1;
}

// There is no log of the server that a client could see.
static int write_log(lua_State *lua) {
    if (lua_gettop(lua) < 2) return clua_fail(lua, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(lua, 1)) return clua_fail(lua, "First argument must be a number (log level).");
    double level = lua_tonumber(lua, 1);
    if (!(level > -1 && level < 4)) return clua_fail(lua, "Invalid debug level.");
    return 0;
}

static int set_version(lua_State *lua) {
    if (lua_gettop(lua) != 1) return clua_fail(lua, "redis.setresp() requires one argument.");
    double version = lua_tonumber(lua, 1);
    if (!(version >= 2 && version < 4)) return clua_fail(lua, "RESP version must be 2 or 3.");
    clua_of(lua)->command_version = version < 3 ? 2 : 3;
    return 0;
}

// Effects are always told: who listens has a copy, which must not differ.
static int set_replication(lua_State *lua) {
    if (lua_gettop(lua) != 1) return clua_fail(lua, "redis.set_repl() requires two arguments.");
    double flags = lua_tonumber(lua, 1);
    if (!(flags > -1 && flags < 4)) {
        return clua_fail(
            lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    }
    return 0;
}

static int say_true(lua_State *lua) {
    lua_pushboolean(lua, 1);
    return 1;
}

static int say_false(lua_State *lua) {
    lua_pushboolean(lua, 0);
    return 1;
}

static int do_nothing(lua_State *lua) {
    (void)lua;
    return 0;
}

// What functions have too.
static const luaL_Reg functions[] = {
    {"call", run_command},         {"pcall", run_command_gently}, {"log", write_log},
    {"setresp", set_version},      {"error_reply", make_error},   {"status_reply", make_status},
    {"set_repl", set_replication}, {"sha1hex", sha1_digits},      {"acl_check_cmd", check_command},
    {NULL, NULL},
};

static const luaL_Reg functions_of_scripts[] = {
    {"replicate_commands", say_true},
    {"breakpoint", say_false},
    {"debug", do_nothing},
    {NULL, NULL},
};

static const struct {
    const char *name;
    int value;
} numbers[] = {
    {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3}, {"REPL_NONE", 0}, {"REPL_AOF", 1},
    {"REPL_SLAVE", 2}, {"REPL_REPLICA", 2}, {"REPL_ALL", 3}, {"REDIS_VERSION_NUM", 0x7000f},
};

void clua_open_redis(lua_State *lua) {
    lua_newtable(lua);
    luaL_register(lua, NULL, functions);
    if (!clua_of(lua)->is_for_functions) luaL_register(lua, NULL, functions_of_scripts);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        lua_pushnumber(lua, numbers[i].value);
        lua_setfield(lua, -2, numbers[i].name);
    }
    lua_pushliteral(lua, "7.0.15");
    lua_setfield(lua, -2, "REDIS_VERSION");
    lua_setglobal(lua, "redis");
}
