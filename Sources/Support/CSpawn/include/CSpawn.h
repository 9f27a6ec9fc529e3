// What Glibc's and Musl's Swift modules do not show of processes: starting and naming them, and what they keep. Empty off Linux.
#ifndef CSPAWN_H
#define CSPAWN_H

#if defined(__linux__)

#include <spawn.h>
#include <sys/types.h>

// POSIX_SPAWN_SETSID of <spawn.h>.
enum { CSPAWN_SETSID = 0x80 };

// Both return 0 or an error number, as the posix_spawn family does.
int cspawn_add_chdir(posix_spawn_file_actions_t *actions, const char *path);
// Does nothing where the C library cannot (Musl): there, everything that this program opens is close-on-exec.
int cspawn_add_close_from(posix_spawn_file_actions_t *actions, int first);

// A close-on-exec descriptor that names the process whatever becomes of its number; -1 with errno.
int cspawn_pidfd_open(pid_t pid);
int cspawn_pidfd_signal(int pidfd, int signal);

// Has this process give back what malloc keeps of freed memory. Does nothing where the C library has no call for it (Musl).
void cspawn_trim_memory(void);

#endif
#endif
