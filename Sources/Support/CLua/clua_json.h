// The two halves of the `cjson` library.
#ifndef CLUA_JSON_H
#define CLUA_JSON_H

#include "clua_engine.h"

// What scripts set, of one instance of the library.
typedef struct {
    bool converts_sparse, decodes_invalid, keeps_buffer;
    // 0: refused, 1: as C prints them, 2: null.
    int encodes_invalid;
    int sparse_ratio, sparse_safe, encode_depth, decode_depth, precision;
} json_settings;

int clua_json_encode(lua_State *lua);
int clua_json_decode(lua_State *lua);

#endif
