// Asks the processor to fetch a cache line that will be read soon. A hint: never faults, changes nothing.
#ifndef CPREFETCH_H
#define CPREFETCH_H

static inline void cprefetch(const void *address) { __builtin_prefetch(address); }

#endif
