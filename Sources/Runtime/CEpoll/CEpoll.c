#if defined(__linux__)
#define _GNU_SOURCE
#include "CEpoll.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int cepoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int cepoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data.u64 = tag};
    return epoll_ctl(epoll, operation, fd, &event);
}

int cepoll_wait(int epoll, struct cepoll_event *events, int capacity, int timeout_ms) {
    enum { BATCH = 256 };
    struct epoll_event batch[BATCH];
    if (capacity > BATCH) capacity = BATCH;
    int count = epoll_wait(epoll, batch, capacity, timeout_ms);
    for (int i = 0; i < count; i++) {
        events[i].tag = batch[i].data.u64;
        events[i].events = batch[i].events;
    }
    return count;
}

int cepoll_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int cepoll_accept(int listener) { return accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int cepoll_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

void cepoll_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

#endif
