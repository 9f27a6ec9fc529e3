#include "CNumbers.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cnumbers_format_double(char *text, double value) { return snprintf(text, 40, "%.17g", value); }

int cnumbers_parse_double(const char *text, size_t length, double *value) {
    char copy[CNUMBERS_TEXT];
    if (length == 0 || length >= sizeof copy || isspace((unsigned char)text[0])) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    errno = 0;
    *value = strtod(copy, &end);
    if (end != copy + length || isnan(*value)) return 0;
    return !(errno == ERANGE && (*value == HUGE_VAL || *value == -HUGE_VAL || fpclassify(*value) == FP_ZERO));
}

int cnumbers_parse_bound(const char *text, size_t length, double *value) {
    char copy[CNUMBERS_TEXT];
    if (length >= sizeof copy) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    *value = strtod(copy, &end);
    return *end == 0 && !isnan(*value);
}

int cnumbers_parse_score(const char *text, size_t length, double *value) {
    char copy[CNUMBERS_TEXT];
    if (length >= sizeof copy) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    errno = 0;
    *value = strtod(copy, &end);
    return end == copy + length && errno != ERANGE && !isnan(*value);
}

int cnumbers_format_fixed(char *text, double value, int digits) {
    return snprintf(text, CNUMBERS_FIXED, "%.*f", digits, value);
}

static int parse_long_double(const char *text, size_t length, long double *value) {
    char copy[CNUMBERS_TEXT];
    if (length == 0 || length >= sizeof copy || isspace((unsigned char)text[0])) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    errno = 0;
    *value = strtold(copy, &end);
    if (end != copy + length || isnan(*value)) return 0;
    return !(errno == ERANGE && (*value == HUGE_VALL || *value == -HUGE_VALL || fpclassify(*value) == FP_ZERO));
}

int cnumbers_add_decimal(
    const char *base, size_t base_length, const char *addend, size_t addend_length, char *sum) {
    long double left, right;
    if (!parse_long_double(base, base_length, &left)) return -1;
    if (!parse_long_double(addend, addend_length, &right)) return -2;
    long double value = left + right;
    if (isnan(value) || isinf(value)) return -3;
    int length = snprintf(sum, CNUMBERS_TEXT, "%.17Lf", value);
    if (length < 0 || length >= CNUMBERS_TEXT) return -3;
    if (memchr(sum, '.', (size_t)length)) {
        while (sum[length - 1] == '0') length--;
        if (sum[length - 1] == '.') length--;
    }
    if (length == 2 && sum[0] == '-' && sum[1] == '0') {
        sum[0] = '0';
        length = 1;
    }
    return length;
}
