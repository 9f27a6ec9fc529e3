#include "clua_engine.h"

#include <limits.h>
#include <string.h>

// Functions of Lua's libraries that run for long, or fall over, with crafted arguments: here they look at the time, and
// check first.

enum { LOOK_AFTER_COMPARISONS = 1024, PIECE = 4096, LONGEST_MOVE = 10000000 };

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

static void look_now_and_then(lua_State *lua) {
    if (++clua_of(lua)->comparisons % LOOK_AFTER_COMPARISONS == 0) clua_look(lua);
}

static int is_less(lua_State *lua) {
    look_now_and_then(lua);
    lua_pushboolean(lua, lua_lessthan(lua, 1, 2));
    return 1;
}

// A comparison that is none of the script's own: no instruction of it runs within.
static int is_less_by(lua_State *lua) {
    look_now_and_then(lua);
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
    if (moved > LONGEST_MOVE) luaL_error(lua, "bad argument #2 to 'insert' (position out of bounds)");
}

void clua_open_bounds(lua_State *lua) {
    lua_pushcfunction(lua, bounded_unpack);
    lua_setglobal(lua, "unpack");
    lua_getglobal(lua, LUA_STRLIBNAME);
    lua_pushcfunction(lua, bounded_repeat);
    lua_setfield(lua, -2, "rep");
    lua_pop(lua, 1);
    lua_getglobal(lua, LUA_TABLIBNAME);
    lua_getfield(lua, -1, "sort");
    clua_of(lua)->sort = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    lua_pushcfunction(lua, bounded_sort);
    lua_setfield(lua, -2, "sort");
    lua_pop(lua, 1);
}
