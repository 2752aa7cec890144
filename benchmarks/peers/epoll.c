/* C with epoll, level-triggered, one thread: about the least that a server can do.
 *
 * usage: epoll {echo,chat} PORT; no TLS
 *
 * The echo does not read from a client while its own answers wait. The chat joins the lines of one read into one
 * write per receiver.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_SIZE = 65536,
    BACKLOG = 1024,
    MAX_LINE = 65536,
    MAX_WAITING = 256 * 1024, /* bytes for one client of the chat: whoever lets more pile up is cut off */
    MAX_EVENTS = 256,
};

struct buffer {
    char *data;
    size_t start, end, size; /* in use: from start to end */
};

struct client {
    int fd;                  /* -1: it is gone, and freed once no event of this turn can mean it */
    int number, place;       /* of the connection; in the room */
    bool ended;              /* it sends no more */
    unsigned wanted;         /* events */
    struct buffer line, out; /* the beginning of a line; what waits to be written */
    struct client *next;     /* of those that are gone */
};

static int poller, listener, connections;
static bool chatting;
static struct client **room, *gone;
static int people, places;
static char input[READ_SIZE]; /* one for all: each read is answered before the next */

static void *grown(void *memory, size_t size) {
    memory = realloc(memory, size);
    if (!memory) {
        perror("realloc");
        exit(1);
    }
    return memory;
}

static size_t waiting(const struct buffer *b) { return b->end - b->start; }

/* What is in use moves to the front first: a buffer that is never quite empty would grow for ever. */
static void append(struct buffer *b, const void *data, size_t n) {
    if (b->start) {
        memmove(b->data, b->data + b->start, waiting(b));
        b->end -= b->start;
        b->start = 0;
    }
    if (b->end + n > b->size) b->data = grown(b->data, b->size = 2 * (b->end + n));
    memcpy(b->data + b->end, data, n);
    b->end += n;
}

static void empty(struct buffer *b) {
    free(b->data);
    *b = (struct buffer){0};
}

/* Close it at once. May be called twice. */
static void drop(struct client *c) {
    if (c->fd < 0) return;
    close(c->fd);
    c->fd = -1;
    room[c->place] = room[--people];
    room[c->place]->place = c->place;
    c->next = gone;
    gone = c;
}

/* Tell epoll what can be done now. */
static void want(struct client *c) {
    bool full = waiting(&c->out), read = !c->ended && (chatting || !full);
    unsigned wanted = (read ? EPOLLIN : 0) | (full ? EPOLLOUT : 0);
    struct epoll_event event = {.events = wanted, .data.ptr = c};
    if (wanted != c->wanted) epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    c->wanted = wanted;
}

/* Write as much as the socket takes. Returns how much that was, or -1: the client is gone. */
static ssize_t put(struct client *c, const char *data, size_t n) {
    ssize_t sent = send(c->fd, data, n, MSG_NOSIGNAL);
    if (sent >= 0 || errno == EAGAIN) return sent < 0 ? 0 : sent;
    drop(c);
    return -1;
}

/* Write, or keep what the socket does not take. */
static void give(struct client *c, const char *data, size_t n) {
    ssize_t sent = waiting(&c->out) ? 0 : put(c, data, n);
    if (sent < 0 || (size_t)sent == n) return;
    append(&c->out, data + sent, n - sent);
    if (chatting && waiting(&c->out) > MAX_WAITING) drop(c);
    else want(c);
}

/* The socket takes more. */
static void flush(struct client *c) {
    ssize_t sent = put(c, c->out.data + c->out.start, waiting(&c->out));
    if (sent < 0) return;
    c->out.start += sent;
    if (!waiting(&c->out)) empty(&c->out);
    if (c->ended && !waiting(&c->out)) drop(c);
    else want(c);
}

/* Pass on each line that is complete. */
static void tell(struct client *c, const char *data, size_t n) {
    static struct buffer text;
    char prefix[32];
    int length = snprintf(prefix, sizeof prefix, "<user%d> ", c->number);
    for (const char *end; (end = memchr(data, '\n', n)); n -= end + 1 - data, data = end + 1) {
        append(&text, prefix, length);
        if (c->line.end) append(&text, c->line.data, c->line.end);
        append(&text, data, end + 1 - data);
        empty(&c->line);
    }
    if (n) append(&c->line, data, n);
    for (int i = people - 1; i >= 0 && text.end; i--) /* backwards: drop puts the last one into a gap */
        if (room[i] != c) give(room[i], text.data, text.end);
    text.end = 0;
    if (c->line.end > MAX_LINE) drop(c);
}

/* There is something to read, or the end. */
static void take(struct client *c) {
    ssize_t n = read(c->fd, input, sizeof input);
    if (n < 0 && errno == EAGAIN) return;
    if (n > 0 && chatting) tell(c, input, n);
    else if (n > 0) give(c, input, n);
    else if (n < 0 || !waiting(&c->out)) drop(c);
    else {
        c->ended = true;
        want(c);
    }
}

/* A connection waits to be accepted. */
static void welcome(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct client *c = grown(NULL, sizeof *c);
    *c = (struct client){.fd = fd, .number = ++connections, .place = people, .wanted = EPOLLIN};
    if (people == places) room = grown(room, (places = 2 * places + 64) * sizeof *room);
    room[people++] = c;
    struct epoll_event event = {.events = c->wanted, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void turn(void) {
    struct epoll_event events[MAX_EVENTS];
    int n = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (!c) welcome();
        else if (c->fd >= 0 && events[i].events & EPOLLOUT) flush(c);
        if (c && c->fd >= 0 && events[i].events & EPOLLIN) take(c);
        else if (c && events[i].events & (EPOLLERR | EPOLLHUP)) drop(c);
    }
    for (struct client *c; (c = gone);) {
        gone = c->next;
        empty(&c->line);
        empty(&c->out);
        free(c);
    }
}

int main(int argc, char **argv) {
    if (argc != 3 || (strcmp(argv[1], "echo") && strcmp(argv[1], "chat"))) {
        fprintf(stderr, "usage: epoll {echo,chat} PORT\n");
        return 2;
    }
    chatting = !strcmp(argv[1], "chat");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG)) {
        perror("cannot listen");
        return 1;
    }
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}; /* no client: the listener */
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) turn();
}
