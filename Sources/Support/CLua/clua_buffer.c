#include "clua_engine.h"

#include <stdlib.h>
#include <string.h>

// Bytes that grow: what an engine writes.

void clua_clear(clua_buffer *buffer) {
    if (buffer->capacity > 1 << 20) {
        free(buffer->start);
        buffer->start = NULL;
        buffer->capacity = 0;
    }
    buffer->count = 0;
    buffer->overflowed = false;
}

void clua_append(clua_buffer *buffer, const void *bytes, size_t count) {
    if (buffer->overflowed || count == 0) return;
    if (buffer->capacity - buffer->count < count) {
        size_t wanted = buffer->count + count;
        size_t capacity = wanted < 128 ? 256 : wanted * 2;
        char *start = wanted > CLUA_OUTPUT_LIMIT ? NULL : realloc(buffer->start, capacity);
        if (start == NULL) {
            buffer->overflowed = true;
            return;
        }
        buffer->start = start;
        buffer->capacity = capacity;
    }
    memcpy(buffer->start + buffer->count, bytes, count);
    buffer->count += count;
}

void clua_append_text(clua_buffer *buffer, const char *text) { clua_append(buffer, text, strlen(text)); }

void clua_append_byte(clua_buffer *buffer, char byte) { clua_append(buffer, &byte, 1); }

int clua_push_scratch(lua_State *lua) {
    clua_buffer *scratch = &clua_of(lua)->scratch;
    if (scratch->overflowed) {
        clua_clear(scratch);
        return clua_fail_overflow(lua);
    }
    lua_pushlstring(lua, scratch->start, scratch->count);
    return 1;
}
