// Numbers as text in C's own arithmetic, where its results are the standard that a protocol promises.
#ifndef CNUMBERS_H
#define CNUMBERS_H

#include <stddef.h>

// The longest double in fixed notation has 309 digits in front of the point.
enum { CNUMBERS_TEXT = 5 * 1024, CNUMBERS_FIXED = 352 };

// printf's %.17g; returns the length. `text` has room for 40 bytes.
int cnumbers_format_double(char *text, double value);

// Reads all of `text` (`length` bytes, no leading space) as strtod does; 1 and the value, or 0.
int cnumbers_parse_double(const char *text, size_t length, double *value);

// Reads `text` up to a NUL or its end as strtod does, leading space and overflow to infinity included; no digits are
// 0. 1 and the value, or 0.
int cnumbers_parse_bound(const char *text, size_t length, double *value);

// The same to the end, but what is too large, or too small, or has a NUL, is no number.
int cnumbers_parse_score(const char *text, size_t length, double *value);

// printf's %f with so many digits (at most 17) behind the point; returns the length. `text` has room for CNUMBERS_FIXED
// bytes.
int cnumbers_format_fixed(char *text, double value, int digits);

// Adds two decimal texts as long doubles and prints the sum as %.17Lf without trailing zeros.
// Returns the length, -1 when `base` is no number, -2 when `addend` is none, -3 when the sum is NaN or infinite.
// `sum` has room for CNUMBERS_TEXT bytes.
int cnumbers_add_decimal(
    const char *base, size_t base_length, const char *addend, size_t addend_length, char *sum);

#endif
