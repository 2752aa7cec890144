/* An echo load that costs little: a closed loop over many connections, in C, for servers of several processes.
 *
 * usage: load PORT CONNECTIONS SIZE SECONDS PID...
 *
 * Each connection sends a message, and the next once that has come back. Every byte is compared. It does so for SECONDS
 * whenever it reads a line, prints a line, and is silent until the next: seconds, messages, its own CPU seconds, and
 * those of each process PID. The end of its standard input ends it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, MAX_PROCESSES = 64, READ_SIZE = 1 << 20 };

static const double WARM_UP = 0.03; /* seconds of each slice, beyond those that are asked for */

static void fail(const char *why) {
    fprintf(stderr, "load: %s\n", why);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now)) fail("a server has ended");
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* The CPU clock of another process, as clock_getcpuclockid(3) makes it: all its threads, in nanoseconds. */
static clockid_t clock_of(int pid) { return (clockid_t)((~(unsigned)pid << 3) | 2); }

static int dial(int port) {
    int sock = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof address)) fail("cannot connect");
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    return sock;
}

static void send_all(int sock, const char *data, long size) {
    for (long sent = 0; sent < size;) {
        ssize_t now = write(sock, data + sent, size - sent);
        if (now > 0) sent += now;
        else if (errno != EAGAIN) fail("a connection broke off");
    }
}

struct load {
    int poll, connections, processes;
    int *socks;
    long size, *awaited; /* of a message; bytes that have not come back yet, for each connection */
    char *message, *buffer;
    clockid_t clocks[MAX_PROCESSES];
};

/* What has come back, and what is sent in its place. Returns how many messages are complete. */
static long turn(struct load *load, int again) {
    struct epoll_event events[MAX_EVENTS];
    long echoes = 0;
    int ready = epoll_wait(load->poll, events, MAX_EVENTS, 1000);
    if (ready <= 0) fail("nothing comes back");
    for (int k = 0; k < ready; k++) {
        int i = events[k].data.u32;
        ssize_t got = read(load->socks[i], load->buffer, READ_SIZE);
        if (got <= 0) fail("a connection ended");
        if (got > load->awaited[i] || memcmp(load->buffer, load->message + load->size - load->awaited[i], got))
            fail("wrong bytes came back");
        load->awaited[i] -= got;
        if (load->awaited[i]) continue;
        echoes++;
        if (!again) continue;
        load->awaited[i] = load->size;
        send_all(load->socks[i], load->message, load->size);
    }
    return echoes;
}

static void slice(struct load *load, double lasts) {
    double theirs[MAX_PROCESSES], own, began;
    long echoes = 0, under_way = load->connections;
    for (int i = 0; i < load->connections; i++) {
        load->awaited[i] = load->size;
        send_all(load->socks[i], load->message, load->size);
    }
    for (double now = seconds(CLOCK_MONOTONIC); seconds(CLOCK_MONOTONIC) - now < WARM_UP;) turn(load, 1);

    for (int i = 0; i < load->processes; i++) theirs[i] = seconds(load->clocks[i]);
    own = seconds(CLOCK_PROCESS_CPUTIME_ID);
    began = seconds(CLOCK_MONOTONIC);
    while (seconds(CLOCK_MONOTONIC) - began < lasts) echoes += turn(load, 1);
    printf("%.6f %ld %.6f", seconds(CLOCK_MONOTONIC) - began, echoes, seconds(CLOCK_PROCESS_CPUTIME_ID) - own);
    for (int i = 0; i < load->processes; i++) printf(" %.6f", seconds(load->clocks[i]) - theirs[i]);
    printf("\n");

    while (under_way) under_way -= turn(load, 0);
}

int main(int argc, char **argv) {
    if (argc < 6 || argc - 5 > MAX_PROCESSES) fail("usage: load PORT CONNECTIONS SIZE SECONDS PID...");
    struct load load = {
        .poll = epoll_create1(0), .connections = atoi(argv[2]), .processes = argc - 5, .size = atol(argv[3])};
    if (load.connections < 1 || load.size < 1 || load.size > READ_SIZE) fail("no such load");
    load.message = malloc(load.size);
    load.buffer = malloc(READ_SIZE);
    load.socks = malloc(load.connections * sizeof *load.socks);
    load.awaited = malloc(load.connections * sizeof *load.awaited);
    for (long i = 0; i < load.size; i++) load.message[i] = 'a' + i % 26;
    for (int i = 0; i < load.processes; i++) load.clocks[i] = clock_of(atoi(argv[5 + i]));
    for (int i = 0; i < load.connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        load.socks[i] = dial(atoi(argv[1]));
        epoll_ctl(load.poll, EPOLL_CTL_ADD, load.socks[i], &event);
    }

    char line[16];
    while (fgets(line, sizeof line, stdin)) {
        slice(&load, atof(argv[4]));
        fflush(stdout);
    }
    return 0;
}
