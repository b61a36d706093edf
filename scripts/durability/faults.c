// What a process writes below one folder, counted, told, and made to fail: loaded with LD_PRELOAD, idle until faults_arm().
//
// Every call that changes something there has a number, from 1, over all threads. At one of them the process is killed, or an
// error begins, or the clock jumps. With a log, each call is written down with its data, so that what a power cut leaves of the
// files can be made from it. Calls go to the kernel directly; no other library is asked.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, CLOSE, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR, RMDIR, LINK };
enum { NOTHING, KILL_BEFORE, KILL_AFTER, KILL_WITHIN, FAIL, CLOCK };
enum { FDS = 4096, PATH = 1024 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH];
static size_t root_length;
static int log_fd = -1, what, failing, torn;
static long count, at, lasting;
static int64_t shift;
static char paths[FDS][PATH];  // of open files below the folder; empty: another file's

void faults_arm(const char *folder, int log, int kind, long number, long span, int error, int64_t seconds) {
    pthread_mutex_lock(&turn);
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    log_fd = log, what = kind, at = number, lasting = span, failing = error, shift = seconds;
    count = 0, torn = 0;
    pthread_mutex_unlock(&turn);
}

long faults_count(void) { return count; }

static int below(const char *path) {
    return root_length && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

// The absolute path, where it is below the folder; otherwise an empty one.
static const char *resolved(int dir, const char *path, char *into) {
    into[0] = 0;
    if (!root_length || !path) return into;
    if (path[0] == '/') snprintf(into, PATH, "%s", path);
    else if (dir >= 0 && dir < FDS && paths[dir][0]) snprintf(into, PATH, "%.500s/%.500s", paths[dir], path);
    if (!below(into)) into[0] = 0;
    return into;
}

static const char *of(int fd) { return fd >= 0 && fd < FDS ? paths[fd] : ""; }

static void whole(const void *data, size_t length) {
    const char *from = data;
    while (length) {
        long done = syscall(SYS_write, log_fd, from, length);
        if (done <= 0) return;
        from += done, length -= done;
    }
}

// kind, descriptor, offset or flags, then two paths and the data, each after its length.
static void tell(int kind, int fd, int64_t number, const char *path, const char *other, const void *data, int64_t length) {
    if (log_fd < 0) return;
    int64_t head[6] = {kind, fd, number, strlen(path), strlen(other), length};
    whole(head, sizeof head);
    whole(path, head[3]);
    whole(other, head[4]);
    if (length) whole(data, length);
}

static void die(void) { syscall(SYS_kill, getpid(), SIGKILL); for (;;) pause(); }

static int is_concerned(int kind) {
    switch (failing) {
    case ENOSPC: return kind == WRITE || kind == OPEN || kind == MKDIR || kind == LINK || kind == RENAME;
    case EIO: return kind == WRITE || kind == SYNC;
    case EACCES: return kind != WRITE && kind != SYNC && kind != TRUNCATE;
    default: return 1;
    }
}

static int is_failing(int kind) {
    return what == FAIL && count >= at && count < at + lasting && is_concerned(kind);
}

// Before a call: 0 to go on, an error to give instead. The turn is held.
static int before(int kind) {
    count++;
    if (count == at && (what == KILL_BEFORE || (what == KILL_WITHIN && kind != WRITE))) die();
    return is_failing(kind) ? failing : 0;
}

static void after(void) { if (count == at && what == KILL_AFTER) die(); }

#define BEGIN(kind) \
    pthread_mutex_lock(&turn); \
    int refused = before(kind); \
    if (refused) { pthread_mutex_unlock(&turn); errno = refused; return -1; }
#define END(result) \
    do { int kept = errno; after(); pthread_mutex_unlock(&turn); errno = kept; return result; } while (0)

static int opened(int dir, const char *path, int flags, mode_t mode) {
    char full[PATH];
    resolved(dir, path, full);
    if (!full[0]) return syscall(SYS_openat, dir, path, flags, mode);
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    pthread_mutex_lock(&turn);
    int absent = syscall(SYS_faccessat, dir, path, F_OK, 0) != 0;
    int refused = writes ? before(OPEN) : 0;
    if (refused == ENOSPC && !absent) refused = 0;  // only a new name takes space
    if (refused) { pthread_mutex_unlock(&turn); errno = refused; return -1; }
    int fd = syscall(SYS_openat, dir, path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        snprintf(paths[fd], PATH, "%s", full);
        tell(OPEN, fd, flags, full, "", "", 0);
    }
    int kept = errno;
    if (writes) after();
    pthread_mutex_unlock(&turn);
    errno = kept;
    return fd;
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE return opened(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE return opened(dir, path, flags, mode); }

int close(int fd) {
    if (of(fd)[0]) {
        pthread_mutex_lock(&turn);
        tell(CLOSE, fd, 0, paths[fd], "", "", 0);
        paths[fd][0] = 0;
        int result = syscall(SYS_close, fd), kept = errno;
        pthread_mutex_unlock(&turn);
        errno = kept;
        return result;
    }
    return syscall(SYS_close, fd);
}

static ssize_t put(int fd, const void *data, size_t length, int64_t offset) {
    int plain = offset < 0;
    if (plain) offset = syscall(SYS_lseek, fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
    ssize_t done = plain ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    if (done > 0) tell(WRITE, fd, offset, of(fd), "", data, done);
    return done;
}

static ssize_t written(int fd, const void *data, size_t length, int64_t offset) {
    if (!of(fd)[0]) return offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&turn);
    int refused = before(WRITE);
    if (count == at && what == KILL_WITHIN) { put(fd, data, length / 2, offset); die(); }
    if (refused == ENOSPC && !torn && length > 1) {  // the last bytes there is room for
        torn = 1, refused = 0, length /= 2;
    }
    ssize_t done = -1;
    if (refused) errno = refused;
    else done = put(fd, data, length, offset);
    END(done);
}
ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return written(fd, data, length, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return written(fd, data, length, offset); }

// Copied by the kernel: no data to tell of. Who is told so copies with read and write.
ssize_t sendfile(int out, int in, off_t *offset, size_t length) {
    if (of(out)[0]) { errno = ENOTSOCK; return -1; }
    return syscall(SYS_sendfile, out, in, offset, length);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t length) { return sendfile(out, in, offset, length); }

int ftruncate(int fd, off_t length) {
    if (!of(fd)[0]) return syscall(SYS_ftruncate, fd, length);
    BEGIN(TRUNCATE)
    int result = syscall(SYS_ftruncate, fd, length);
    if (!result) tell(TRUNCATE, fd, length, paths[fd], "", "", 0);
    END(result);
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

// Holes are for saving space: a file without them holds the same.
int fallocate(int fd, int mode, off_t offset, off_t length) {
    if (of(fd)[0]) return 0;
    return syscall(SYS_fallocate, fd, mode, offset, length);
}

static int synced(long number, int fd) {
    if (!of(fd)[0]) return syscall(number, fd);
    BEGIN(SYNC)
    int result = syscall(number, fd);
    if (!result) tell(SYNC, fd, 0, paths[fd], "", "", 0);
    END(result);
}
int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }

int unlinkat(int dir, const char *path, int flags) {
    char full[PATH];
    if (!resolved(dir, path, full)[0]) return syscall(SYS_unlinkat, dir, path, flags);
    int kind = flags & AT_REMOVEDIR ? RMDIR : UNLINK;
    BEGIN(kind)
    int result = syscall(SYS_unlinkat, dir, path, flags);
    if (!result) tell(kind, -1, 0, full, "", "", 0);
    END(result);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    int result = unlinkat(AT_FDCWD, path, 0);
    return result && errno == EISDIR ? rmdir(path) : result;
}

int mkdirat(int dir, const char *path, mode_t mode) {
    char full[PATH];
    if (!resolved(dir, path, full)[0]) return syscall(SYS_mkdirat, dir, path, mode);
    if (!syscall(SYS_faccessat, dir, path, F_OK, 0)) { errno = EEXIST; return -1; }
    BEGIN(MKDIR)
    int result = syscall(SYS_mkdirat, dir, path, mode);
    if (!result) tell(MKDIR, -1, 0, full, "", "", 0);
    END(result);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

static int moved(int kind, const char *from, const char *to) {
    char one[PATH], two[PATH];
    if (!resolved(AT_FDCWD, from, one)[0] || !resolved(AT_FDCWD, to, two)[0])
        return kind == RENAME ? syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)
                              : syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    BEGIN(kind)
    int result = kind == RENAME ? syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, 0)
                                : syscall(SYS_linkat, AT_FDCWD, one, AT_FDCWD, two, 0);
    if (!result) tell(kind, -1, 0, one, two, "", 0);
    END(result);
}
int rename(const char *from, const char *to) { return moved(RENAME, from, to); }
int link(const char *from, const char *to) { return moved(LINK, from, to); }

static int denied(const char *path, int mode) {
    char full[PATH];
    return (mode & W_OK) && resolved(AT_FDCWD, path, full)[0] && (failing == EROFS || failing == EACCES) && is_failing(OPEN);
}
int faccessat(int dir, const char *path, int mode, int flags) {
    (void)flags;
    if (denied(path, mode)) { errno = failing; return -1; }
    return syscall(SYS_faccessat, dir, path, mode);
}
int access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, 0); }

static int64_t shifted(void) { return what == CLOCK && count >= at ? shift : 0; }
int clock_gettime(clockid_t which, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, which, now);
    if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += shifted();
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return result;
}
time_t time(time_t *into) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (into) *into = exact.tv_sec;
    return exact.tv_sec;
}
