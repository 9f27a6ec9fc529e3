// What Glibc's Swift module does not show: epoll with a 64-bit tag, accept4, eventfd. Empty off Linux.
#ifndef CEPOLL_H
#define CEPOLL_H

#if defined(__linux__)

#include <stdint.h>

// One readiness event: the tag given to cepoll_control, and the EPOLL* bits.
struct cepoll_event {
    uint64_t tag;
    uint32_t events;
};

enum {
    CEPOLL_IN = 0x001,
    CEPOLL_OUT = 0x004,
    CEPOLL_ERR = 0x008,
    CEPOLL_HUP = 0x010,
    CEPOLL_RDHUP = 0x2000,
};

enum { CEPOLL_ADD = 1, CEPOLL_DELETE = 2, CEPOLL_MODIFY = 3 };

// Each returns what the system call returns and leaves errno to be read by the caller.
int cepoll_create(void);
int cepoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t tag);
int cepoll_wait(int epoll, struct cepoll_event *events, int capacity, int timeout_ms);
int cepoll_eventfd(void);
// A non-blocking, close-on-exec connection.
int cepoll_accept(int listener);
// A non-blocking, close-on-exec stream socket.
int cepoll_socket(int family);

// Names the calling thread; 15 bytes at most.
void cepoll_name_thread(const char *name);

#endif
#endif
