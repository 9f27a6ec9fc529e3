#define _GNU_SOURCE  // memmem

#include "clua_engine.h"

#include <ctype.h>
#include <string.h>

// Patterns (Lua 5.1 Reference Manual, 5.4.1), matched where a script can be ended. Lua's own functions run as long as a
// pattern has them try, which may be for ever, without an instruction of the script in between; and they call
// themselves once for each part of a pattern, until the stack is used up.

enum {
    CAPTURES = 32,
    // Parts of a pattern within each other, and one behind the other that have to be tried again.
    DEEPEST = 8000,
    // Steps between two looks at the clock: some microseconds.
    LOOK_AFTER_STEPS = 4096,
};

// Lengths that are none.
enum { OPEN = -1, POSITION = -2 };

typedef struct {
    lua_State *lua;
    const char *subject, *end;
    unsigned depth;
    // Until the clock is looked at.
    int64_t steps_left;
    int level;
    struct {
        const char *start;
        ptrdiff_t length;
    } captures[CAPTURES];
} matcher;

static inline void spend(matcher *m, int64_t steps) {
    m->steps_left -= steps;
    if (m->steps_left > 0) return;
    m->steps_left = LOOK_AFTER_STEPS;
    clua_look(m->lua);
}

static inline void tick(matcher *m) { spend(m, 1); }

// MARK: one character

static bool is_of_class(int c, int class) {
    bool is;
    switch (tolower(class)) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = isdigit(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    case 'z': is = c == 0; break;
    default: return class == c;
    }
    return isupper(class) ? !is : is;
}

// Behind the class that begins here.
static const char *class_end(matcher *m, const char *class) {
    char first = *class++;
    if (first == '%') {
        if (*class == 0) luaL_error(m->lua, "malformed pattern (ends with '%%')");
        return class + 1;
    }
    if (first != '[') return class;
    if (*class == '^') class++;
    // A bracket in the first place is one of the set.
    do {
        if (*class == 0) luaL_error(m->lua, "malformed pattern (missing ']')");
        if (*class++ == '%' && *class != 0) class++;
    } while (*class != ']');
    return class + 1;
}

// Whether a set, from its bracket on and up to the last one, has the character.
static bool set_has(int c, const char *set, const char *last) {
    bool found = true;
    set++;
    if (*set == '^') {
        found = false;
        set++;
    }
    while (set < last) {
        if (*set == '%') {
            if (is_of_class(c, (unsigned char)set[1])) return found;
            set += 2;
        } else if (set[1] == '-' && set + 2 < last) {
            if ((unsigned char)set[0] <= c && c <= (unsigned char)set[2]) return found;
            set += 3;
        } else {
            if ((unsigned char)*set == c) return found;
            set++;
        }
    }
    return !found;
}

static bool fits(int c, const char *class, const char *behind) {
    switch (*class) {
    case '.': return true;
    case '%': return is_of_class(c, (unsigned char)class[1]);
    case '[': return set_has(c, class, behind - 1);
    default: return (unsigned char)*class == c;
    }
}

static inline bool fits_at(matcher *m, const char *place, const char *class, const char *behind) {
    return place < m->end && fits((unsigned char)*place, class, behind);
}

// MARK: matching

static const char *match(matcher *m, const char *place, const char *pattern);

// As many as there are, then fewer.
static const char *match_most(matcher *m, const char *place, const char *class, const char *behind) {
    ptrdiff_t count = 0;
    while (fits_at(m, place + count, class, behind)) {
        count++;
        tick(m);
    }
    for (; count >= 0; count--) {
        const char *end = match(m, place + count, behind + 1);
        if (end != NULL) return end;
    }
    return NULL;
}

// As few as will do.
static const char *match_least(matcher *m, const char *place, const char *class, const char *behind) {
    for (;;) {
        const char *end = match(m, place, behind + 1);
        if (end != NULL) return end;
        if (!fits_at(m, place, class, behind)) return NULL;
        place++;
    }
}

static const char *match_opened(matcher *m, const char *place, const char *pattern, ptrdiff_t length) {
    if (m->level >= CAPTURES) luaL_error(m->lua, "too many captures");
    m->captures[m->level].start = place;
    m->captures[m->level].length = length;
    m->level++;
    const char *end = match(m, place, pattern);
    if (end == NULL) m->level--;
    return end;
}

static const char *match_closed(matcher *m, const char *place, const char *pattern) {
    int open = m->level - 1;
    while (open >= 0 && m->captures[open].length != OPEN) open--;
    if (open < 0) luaL_error(m->lua, "invalid pattern capture");
    m->captures[open].length = place - m->captures[open].start;
    const char *end = match(m, place, pattern);
    if (end == NULL) m->captures[open].length = OPEN;
    return end;
}

// Behind the balanced text that begins here, `pair` being its two ends.
static const char *balanced(matcher *m, const char *place, const char *pair) {
    if (pair[0] == 0 || pair[1] == 0) luaL_error(m->lua, "unbalanced pattern");
    if (place >= m->end || *place != pair[0]) return NULL;
    size_t open = 1;
    while (++place < m->end) {
        tick(m);
        if (*place == pair[1]) {
            if (--open == 0) return place + 1;
        } else if (*place == pair[0]) {
            open++;
        }
    }
    return NULL;
}

// Behind what the capture of this digit has matched, if that is here once more.
static const char *repeated(matcher *m, const char *place, char digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->level || m->captures[index].length == OPEN) {
        luaL_error(m->lua, "invalid capture index");
    }
    ptrdiff_t length = m->captures[index].length;
    if (length < 0 || m->end - place < length) return NULL;
    spend(m, length / 64);
    return memcmp(m->captures[index].start, place, (size_t)length) == 0 ? place + length : NULL;
}

static bool is_frontier(matcher *m, const char *place, const char *set, const char *last) {
    int before = place == m->subject ? 0 : (unsigned char)place[-1];
    // Lua's strings have a zero behind them.
    return !set_has(before, set, last) && set_has((unsigned char)*place, set, last);
}

// Where a match from here ends; nil when there is none.
static const char *match_parts(matcher *m, const char *place, const char *pattern) {
    for (;;) {
        tick(m);
        switch (*pattern) {
        case 0: return place;
        case '(':
            return pattern[1] == ')' ? match_opened(m, place, pattern + 2, POSITION)
                                     : match_opened(m, place, pattern + 1, OPEN);
        case ')': return match_closed(m, place, pattern + 1);
        case '$':
            if (pattern[1] == 0) return place == m->end ? place : NULL;
            break;
        case '%':
            if (pattern[1] == 'b') {
                place = balanced(m, place, pattern + 2);
                if (place == NULL) return NULL;
                pattern += 4;
                continue;
            }
            if (pattern[1] == 'f') {
                if (pattern[2] != '[') luaL_error(m->lua, "missing '[' after '%%f' in pattern");
                const char *behind = class_end(m, pattern + 2);
                if (!is_frontier(m, place, pattern + 2, behind - 1)) return NULL;
                pattern = behind;
                continue;
            }
            if (isdigit((unsigned char)pattern[1])) {
                place = repeated(m, place, pattern[1]);
                if (place == NULL) return NULL;
                pattern += 2;
                continue;
            }
            break;
        default: break;
        }
        const char *behind = class_end(m, pattern);
        bool is_here = fits_at(m, place, pattern, behind);
        switch (*behind) {
        case '*': return match_most(m, place, pattern, behind);
        case '+': return is_here ? match_most(m, place + 1, pattern, behind) : NULL;
        case '-': return match_least(m, place, pattern, behind);
        case '?':
            if (is_here) {
                const char *end = match(m, place + 1, behind + 1);
                if (end != NULL) return end;
            }
            pattern = behind + 1;
            continue;
        default:
            if (!is_here) return NULL;
            place++;
            pattern = behind;
        }
    }
}

static const char *match(matcher *m, const char *place, const char *pattern) {
    if (++m->depth > DEEPEST) luaL_error(m->lua, "pattern too complex");
    const char *end = match_parts(m, place, pattern);
    m->depth--;
    return end;
}

// A new attempt.
static const char *match_from(matcher *m, const char *place, const char *pattern) {
    m->level = 0;
    m->depth = 0;
    return match(m, place, pattern);
}

static matcher matcher_of(lua_State *lua, const char *subject, size_t count) {
    matcher m;
    m.lua = lua;
    m.subject = subject;
    m.end = subject + count;
    m.steps_left = LOOK_AFTER_STEPS;
    m.level = 0;
    m.depth = 0;
    return m;
}

// MARK: captures

// The capture of this number; of a pattern without any the first one is the whole match.
static void push_capture(matcher *m, int index, const char *start, const char *end) {
    if (index >= m->level) {
        if (index > 0) luaL_error(m->lua, "invalid capture index");
        lua_pushlstring(m->lua, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = m->captures[index].length;
    if (length == OPEN) luaL_error(m->lua, "unfinished capture");
    if (length == POSITION) {
        lua_pushinteger(m->lua, m->captures[index].start - m->subject + 1);
    } else {
        lua_pushlstring(m->lua, m->captures[index].start, (size_t)length);
    }
}

static int push_captures(matcher *m, int least, const char *start, const char *end) {
    int count = m->level > least ? m->level : least;
    luaL_checkstack(m->lua, count, "too many captures");
    for (int index = 0; index < count; index++) push_capture(m, index, start, end);
    return count;
}

// MARK: the functions

// A place in a string as scripts count: from 1, and from the end with a sign.
static size_t first_place(lua_State *lua, int argument, size_t count) {
    ptrdiff_t place = luaL_optinteger(lua, argument, 1);
    if (place < 0) place += (ptrdiff_t)count + 1;
    if (place < 1) return 0;
    return (size_t)place - 1 > count ? count : (size_t)place - 1;
}

static int find_plainly(lua_State *lua, const char *subject, size_t count, size_t first, const char *text, size_t size) {
    clua_spend(lua, (int64_t)(count - first));
    const char *found = size == 0 ? subject + first : memmem(subject + first, count - first, text, size);
    if (found == NULL) {
        lua_pushnil(lua);
        return 1;
    }
    lua_pushinteger(lua, found - subject + 1);
    lua_pushinteger(lua, found - subject + (ptrdiff_t)size);
    return 2;
}

static int search(lua_State *lua, bool finds) {
    size_t count, size;
    const char *subject = luaL_checklstring(lua, 1, &count);
    const char *pattern = luaL_checklstring(lua, 2, &size);
    size_t first = first_place(lua, 3, count);
    if (finds && (lua_toboolean(lua, 4) || strpbrk(pattern, "^$*+?.([%-") == NULL)) {
        return find_plainly(lua, subject, count, first, pattern, size);
    }
    matcher m = matcher_of(lua, subject, count);
    bool is_anchored = *pattern == '^';
    if (is_anchored) pattern++;
    const char *place = subject + first;
    do {
        const char *end = match_from(&m, place, pattern);
        if (end == NULL) continue;
        if (!finds) return push_captures(&m, 1, place, end);
        lua_pushinteger(lua, place - subject + 1);
        lua_pushinteger(lua, end - subject);
        return push_captures(&m, 0, NULL, NULL) + 2;
    } while (place++ < m.end && !is_anchored);
    lua_pushnil(lua);
    return 1;
}

static int find(lua_State *lua) { return search(lua, true); }

static int match_once(lua_State *lua) { return search(lua, false); }

static int next_match(lua_State *lua) {
    size_t count;
    const char *subject = lua_tolstring(lua, lua_upvalueindex(1), &count);
    const char *pattern = lua_tostring(lua, lua_upvalueindex(2));
    matcher m = matcher_of(lua, subject, count);
    for (size_t first = (size_t)lua_tointeger(lua, lua_upvalueindex(3)); first <= count; first++) {
        const char *place = subject + first;
        const char *end = match_from(&m, place, pattern);
        if (end == NULL) continue;
        // Behind an empty match it goes on one further.
        lua_pushinteger(lua, end - subject + (end == place ? 1 : 0));
        lua_replace(lua, lua_upvalueindex(3));
        return push_captures(&m, 1, place, end);
    }
    return 0;
}

static int match_all(lua_State *lua) {
    luaL_checkstring(lua, 1);
    luaL_checkstring(lua, 2);
    lua_settop(lua, 2);
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, next_match, 3);
    return 1;
}

// Adds the text of a replacement, in which %1 stands for a capture and %0 for the whole.
static void add_text(matcher *m, luaL_Buffer *result, const char *start, const char *end) {
    size_t count;
    const char *text = lua_tolstring(m->lua, 3, &count);
    for (size_t i = 0; i < count; i++) {
        if (text[i] != '%') {
            luaL_addchar(result, text[i]);
            continue;
        }
        i++;
        if (!isdigit((unsigned char)text[i])) {
            luaL_addchar(result, text[i]);
        } else if (text[i] == '0') {
            luaL_addlstring(result, start, (size_t)(end - start));
        } else {
            push_capture(m, text[i] - '1', start, end);
            luaL_addvalue(result);
        }
    }
}

// Adds what stands for a match.
static void add_replacement(matcher *m, luaL_Buffer *result, const char *start, const char *end) {
    lua_State *lua = m->lua;
    switch (lua_type(lua, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(lua, 3);
        lua_call(lua, push_captures(m, 1, start, end), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, start, end);
        lua_gettable(lua, 3);
        break;
    default: add_text(m, result, start, end); return;
    }
    if (!lua_toboolean(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushlstring(lua, start, (size_t)(end - start));
    } else if (!lua_isstring(lua, -1)) {
        luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
    }
    luaL_addvalue(result);
}

static int replace_all(lua_State *lua) {
    size_t count;
    const char *subject = luaL_checklstring(lua, 1, &count);
    const char *pattern = luaL_checkstring(lua, 2);
    int type = lua_type(lua, 3);
    int most = luaL_optint(lua, 4, (int)count + 1);
    luaL_argcheck(
        lua, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
        "string/function/table expected");
    bool is_anchored = *pattern == '^';
    if (is_anchored) pattern++;
    matcher m = matcher_of(lua, subject, count);
    luaL_Buffer result;
    luaL_buffinit(lua, &result);
    int replaced = 0;
    const char *place = subject;
    while (replaced < most) {
        const char *end = match_from(&m, place, pattern);
        if (end != NULL) {
            replaced++;
            add_replacement(&m, &result, place, end);
        }
        if (end != NULL && end > place) {
            place = end;
        } else if (place < m.end) {
            luaL_addchar(&result, *place);
            place++;
        } else {
            break;
        }
        if (is_anchored) break;
    }
    luaL_addlstring(&result, place, (size_t)(m.end - place));
    luaL_pushresult(&result);
    lua_pushinteger(lua, replaced);
    return 2;
}

void clua_open_patterns(lua_State *lua) {
    static const luaL_Reg functions[] = {
        {"find", find}, {"match", match_once}, {"gmatch", match_all}, {"gsub", replace_all}, {NULL, NULL},
    };
    lua_getglobal(lua, LUA_STRLIBNAME);
    luaL_register(lua, NULL, functions);
    // Its former name, where this Lua has that.
    lua_getfield(lua, -1, "gfind");
    bool has_former = !lua_isnil(lua, -1);
    lua_pop(lua, 1);
    if (has_former) {
        lua_getfield(lua, -1, "gmatch");
        lua_setfield(lua, -2, "gfind");
    }
    lua_pop(lua, 1);
}
