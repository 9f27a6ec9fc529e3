#include "clua_engine.h"

#include <limits.h>
#include <string.h>

// Functions of Lua's libraries that run for long, or fall over, with crafted arguments: here they look at the time, and
// check first.

// What an element that is moved, compared or joined takes, in bytes of `clua_spend`.
enum { MOVED = 64, COMPARED = 1024, JOINED = 256, PIECE = 4096, LONGEST_MOVE = 10000000 };

static int bounded_unpack(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    int first = luaL_optint(lua, 2, 1);
    int last = lua_isnoneornil(lua, 3) ? (int)lua_objlen(lua, 1) : luaL_checkint(lua, 3);
    if (first > last) return 0;
    int64_t count = (int64_t)last - first + 1;
    if (count >= INT_MAX || !lua_checkstack(lua, (int)count)) return luaL_error(lua, "too many results to unpack");
    for (int64_t index = first; index <= last; index++) lua_rawgeti(lua, 1, (int)index);
    return (int)count;
}

static int bounded_repeat(lua_State *lua) {
    size_t size;
    const char *text = luaL_checklstring(lua, 1, &size);
    int64_t count = luaL_checkint(lua, 2);
    luaL_Buffer result;
    luaL_buffinit(lua, &result);
    if (size > 0 && size < PIECE && count > PIECE) {
        // Many small ones, in pieces that are made once.
        char piece[PIECE];
        int64_t of_piece = PIECE / (int64_t)size;
        for (int64_t i = 0; i < of_piece; i++) memcpy(piece + (size_t)i * size, text, size);
        for (; count >= of_piece; count -= of_piece) luaL_addlstring(&result, piece, (size_t)of_piece * size);
    }
    for (; size > 0 && count > 0; count--) luaL_addlstring(&result, text, size);
    luaL_pushresult(&result);
    return 1;
}

static void spend_on_comparison(lua_State *lua) {
    clua_spend(lua, COMPARED + (lua_type(lua, 1) == LUA_TSTRING ? (int64_t)lua_objlen(lua, 1) : 0));
}

static int is_less(lua_State *lua) {
    spend_on_comparison(lua);
    lua_pushboolean(lua, lua_lessthan(lua, 1, 2));
    return 1;
}

// A comparison that is none of the script's own: no instruction of it runs within.
static int is_less_by(lua_State *lua) {
    spend_on_comparison(lua);
    lua_settop(lua, 2);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, 2, 1);
    return 1;
}

bool clua_is_comparing(lua_State *lua) {
    lua_Debug place;
    if (!lua_getstack(lua, 1, &place) || !lua_getinfo(lua, "f", &place)) return false;
    lua_CFunction function = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    return function == is_less || function == is_less_by;
}

static int bounded_sort(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    if (lua_isnil(lua, 2)) {
        lua_pushcfunction(lua, is_less);
        lua_replace(lua, 2);
    } else if (lua_iscfunction(lua, 2)) {
        lua_pushcclosure(lua, is_less_by, 1);
    }
    return clua_of(lua)->sort(lua);
}

void clua_check_insertion(lua_State *lua) {
    if (lua_gettop(lua) != 3 || !lua_istable(lua, 1)) return;
    int64_t moved = (int64_t)lua_objlen(lua, 1) - luaL_checkint(lua, 2);
    if (moved > 0) clua_spend(lua, moved * MOVED);
    if (moved > LONGEST_MOVE) luaL_error(lua, "bad argument #2 to 'insert' (position out of bounds)");
}

static int bounded_remove(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    int64_t moved = (int64_t)lua_objlen(lua, 1) - luaL_optint(lua, 2, (int)lua_objlen(lua, 1));
    if (moved > 0 && moved < LONGEST_MOVE) clua_spend(lua, moved * MOVED);
    return clua_of(lua)->remove(lua);
}

static int bounded_concat(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    clua_spend(lua, (int64_t)lua_objlen(lua, 1) * JOINED);
    return clua_of(lua)->concat(lua);
}

// Replaces a function of the library on top; returns the former one.
static lua_CFunction replace(lua_State *lua, const char *name, lua_CFunction function) {
    lua_getfield(lua, -1, name);
    lua_CFunction former = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    lua_pushcfunction(lua, function);
    lua_setfield(lua, -2, name);
    return former;
}

void clua_open_bounds(lua_State *lua) {
    lua_pushcfunction(lua, bounded_unpack);
    lua_setglobal(lua, "unpack");
    lua_getglobal(lua, LUA_STRLIBNAME);
    lua_pushcfunction(lua, bounded_repeat);
    lua_setfield(lua, -2, "rep");
    lua_pop(lua, 1);
    lua_getglobal(lua, LUA_TABLIBNAME);
    clua_engine *engine = clua_of(lua);
    engine->sort = replace(lua, "sort", bounded_sort);
    engine->remove = replace(lua, "remove", bounded_remove);
    engine->concat = replace(lua, "concat", bounded_concat);
    lua_pop(lua, 1);
}
