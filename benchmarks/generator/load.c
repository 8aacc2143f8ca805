/* A lean HTTP load generator: one thread, one epoll, answers without a body or with Content-Length.
 *
 * load PORT[,PORT...] CONNECTIONS SECONDS RATE REQUESTS RESULTS
 *
 * The connections are dealt out to the ports in turn, as a proxy does that goes by the fewest connections.
 *
 * RATE 0 is a closed loop: each connection sends its next request when it has the answer to the last. RATE n > 0 is an
 * open loop: n requests a second fall due whatever the server does, and an answer's latency counts from when its
 * request fell due, so that a stalled server cannot hide the requests that it held up.
 *
 * REQUESTS holds requests one after the other, each behind its length as a little-endian uint32; they are sent in
 * order, from the first again after the last. RESULTS gets one struct answer per request sent; status 0 means that the
 * connection broke or that no answer came within GRACE_S seconds of the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GRACE_S 5.0
#define INBOX 8192

struct answer { uint32_t request; uint32_t status; double latency_s; };
struct request { const char *bytes; uint32_t length; };
struct connection { int fd, busy, port; uint32_t request, received; double since; char in[INBOX]; };

static struct request *requests;
static uint32_t request_count, next_request;
static struct connection *connections;
static int connection_count, epoll_fd, busy_count;
static FILE *results;

static void die(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void read_requests(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat about;
    if (fd < 0 || fstat(fd, &about)) die(path);
    const char *at = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0), *end = at + about.st_size;
    if (at == MAP_FAILED) die(path);
    for (uint32_t room = 0; at < end; at += requests[request_count++].length) {
        if (request_count == room) requests = realloc(requests, (room = room ? room * 2 : 1024) * sizeof *requests);
        memcpy(&requests[request_count].length, at, 4);
        requests[request_count].bytes = at += 4;
    }
}

static void open_connection(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl");
}

static void finish(struct connection *c, uint32_t status) {
    struct answer answer = {c->request, status, now() - c->since};
    fwrite(&answer, sizeof answer, 1, results);
    c->busy = 0;
    busy_count--;
}

static void broken(struct connection *c) {
    if (c->busy) finish(c, 0);
    close(c->fd);
    open_connection(c);
}

/* Requests are small and answered before the next is sent: they fit into the socket's buffer at once. */
static void send_next(struct connection *c, double since) {
    struct request *r = &requests[next_request];
    c->request = next_request;
    c->received = 0;
    c->since = since;
    c->busy = 1;
    busy_count++;
    next_request = (next_request + 1) % request_count;
    if (write(c->fd, r->bytes, r->length) != (ssize_t)r->length) broken(c);
}

static int complete(struct connection *c, uint32_t *status) {
    c->in[c->received] = 0;
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body) return 0;
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    long promised = length && length < body ? strtol(length + 17, NULL, 10) : 0;
    *status = strtoul(c->in + 9, NULL, 10);
    return c->in + c->received >= body + 4 + promised;
}

static int receive(struct connection *c) {
    uint32_t status;
    ssize_t got = read(c->fd, c->in + c->received, INBOX - 1 - c->received);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0 || !c->busy) return broken(c), 0;
    c->received += got;
    if (!complete(c, &status)) return 0;
    finish(c, status);
    return 1;
}

static struct connection *idle(void) {
    for (int i = 0; i < connection_count; i++)
        if (!connections[i].busy) return &connections[i];
    return NULL;
}

static void run(double seconds, double rate) {
    double began = now(), end = began + seconds, t;
    uint64_t due = 0;
    struct epoll_event events[256];
    for (int i = 0; !rate && i < connection_count; i++) send_next(&connections[i], now());
    while ((t = now()) < end || (busy_count && t < end + GRACE_S)) {
        struct connection *c;
        while (rate && began + due / rate <= t && began + due / rate < end && (c = idle()))
            send_next(c, began + due++ / rate);
        int count = epoll_wait(epoll_fd, events, 256, 1);
        for (int i = 0; i < count; i++)
            if (receive(events[i].data.ptr) && !rate && now() < end) send_next(events[i].data.ptr, now());
    }
    for (int i = 0; i < connection_count; i++)
        if (connections[i].busy) finish(&connections[i], 0);
    printf("%.6f\n", t - began);
}

/* Deal the ports of the list out to all connections, and open them. */
static void open_all(const char *ports) {
    const char *at = ports;
    for (int i = 0; i < connection_count; i++) {
        char *rest;
        connections[i].port = strtol(at, &rest, 10);
        at = *rest == ',' ? rest + 1 : ports;
        open_connection(&connections[i]);
    }
}

int main(int count, char **given) {
    if (count != 7) return fprintf(stderr, "load PORT[,PORT...] CONNECTIONS SECONDS RATE REQUESTS RESULTS\n"), 2;
    connection_count = atoi(given[2]);
    read_requests(given[5]);
    if (!(results = fopen(given[6], "wb"))) die(given[6]);
    if ((epoll_fd = epoll_create1(0)) < 0) die("epoll_create1");
    connections = calloc(connection_count, sizeof *connections);
    open_all(given[1]);
    run(atof(given[3]), atof(given[4]));
    return fclose(results) ? 1 : 0;
}
