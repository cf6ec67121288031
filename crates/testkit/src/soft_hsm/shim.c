/* A module that forwards to another, and misbehaves where a file in its folder asks for it.
 *
 * PKCS #11's function list is a version and 68 pointers in an order that the standard fixes; so no header is needed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef unsigned long CK;
struct list { unsigned char version[8]; void *calls[68]; };
enum { INITIALIZE = 0, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, LOGIN = 18, SIGN = 43 };
#define CKR_DEVICE_REMOVED 0x32UL
#define CKF_USER_PIN_FINAL_TRY 0x20000UL

static struct list *real, shim;

static char *at(char *path, const char *name) {
    snprintf(path, 4096, "%s/%s", getenv("SHIM_FOLDER"), name);
    return path;
}

static int asked(const char *name) {
    char path[4096];
    return access(at(path, name), F_OK) == 0;
}

/* One byte more in a file, for each time something was done. */
static void count(const char *name) {
    char path[4096];
    int file = open(at(path, name), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (write(file, "x", 1) != 1) abort();
    close(file);
}

static void found(FILE *peeped, const char *what, int outcome) {
    fprintf(peeped, "%s %d\n", what, outcome < 0 ? errno : 0);
}

/* Tries whatever a curious module would: each path of a list, its parent, the network, a program. */
static void peep(void) {
    char path[4096], line[4096];
    FILE *list = fopen(at(path, "peep"), "r"), *peeped = fopen(at(path, "peeped"), "w");
    if (!list || !peeped) abort();
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        int file = open(line, O_RDONLY);
        found(peeped, line, file);
    }
    found(peeped, "signal", kill(getppid(), 0));
    found(peeped, "network", socket(AF_INET, SOCK_STREAM, 0));
    pid_t child = fork();
    if (child == 0) _exit(0);
    found(peeped, "fork", child);
    fclose(list);
    fclose(peeped);
}

static CK initialize(void *arguments) {
    char path[4096];
    count("loads");
    FILE *process = fopen(at(path, "process"), "w");
    if (!process || fprintf(process, "%d", getpid()) < 0 || fclose(process)) abort();
    if (asked("peep")) peep();
    if (asked("crash-on-load")) abort();
    return ((CK (*)(void *))real->calls[INITIALIZE])(arguments);
}

static CK get_slot_list(unsigned char present, CK *slots, CK *number) {
    if (asked("removed")) { *number = 0; return 0; }
    return ((CK (*)(unsigned char, CK *, CK *))real->calls[GET_SLOT_LIST])(present, slots, number);
}

static CK get_token_info(CK slot, unsigned char *info) {
    CK value = ((CK (*)(CK, unsigned char *))real->calls[GET_TOKEN_INFO])(slot, info);
    CK flags;
    memcpy(&flags, info + 96, sizeof flags);
    if (asked("final-try")) flags |= CKF_USER_PIN_FINAL_TRY;
    memcpy(info + 96, &flags, sizeof flags);
    return value;
}

static CK login(CK session, CK user, unsigned char *pin, CK length) {
    count("logins");
    return ((CK (*)(CK, CK, unsigned char *, CK))real->calls[LOGIN])(session, user, pin, length);
}

static CK sign(CK session, unsigned char *input, CK input_length, unsigned char *signature, CK *length) {
    if (asked("crash-on-sign")) abort();
    if (asked("removed")) return CKR_DEVICE_REMOVED;
    if (asked("hang")) {
        /* A FIFO: opening it waits until the test is there to read who hangs. Several sessions may, in one process. */
        char path[4096], who[32];
        int fifo = open(at(path, "hang"), O_WRONLY);
        int written = snprintf(who, sizeof who, "%d\n", getpid());
        if (write(fifo, who, written) != written) abort();
        close(fifo);
        for (;;) pause();
    }
    return ((CK (*)(CK, unsigned char *, CK, unsigned char *, CK *))real->calls[SIGN])(
        session, input, input_length, signature, length);
}

CK C_GetFunctionList(struct list **list) {
    void *module = dlopen(getenv("SHIM_MODULE"), RTLD_NOW);
    CK (*get)(struct list **) = module ? (CK (*)(struct list **))dlsym(module, "C_GetFunctionList") : 0;
    if (!get) return 5;
    CK value = get(&real);
    if (value) return value;
    shim = *real;
    shim.calls[INITIALIZE] = initialize;
    shim.calls[GET_SLOT_LIST] = get_slot_list;
    shim.calls[GET_TOKEN_INFO] = get_token_info;
    shim.calls[LOGIN] = login;
    shim.calls[SIGN] = sign;
    *list = &shim;
    return 0;
}
