// Many TCP connections that never rest: both ends send numbered words at a fixed pace and check the
// other's numbers. What a failover does to them is what it does to people's sessions.
//
//   tcp-streams serve PORT INTERVAL_MS
//   tcp-streams connect ADDRESS PORT COUNT INTERVAL_MS
//
// Commands on standard input: "mark" forgets past stalls, "report" prints the streams' fate.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { MOST = 4096, LISTENER = MOST, TIMER, INPUT };
static const int64_t FLOWING_US = 500000; // a stream that was heard within this time is flowing

typedef struct {
  int fd;
  enum { UNUSED, OPENING, OPEN, RESET, CLOSED, CORRUPT } state;
  uint64_t sent, heard;      // the last numbers
  unsigned char partial[8];  // of a word cut by the stream
  size_t held;
  int64_t heard_at, longest_stall_us;
} Stream;

static Stream streams[MOST];
static int count, wanted, epoll_fd;
static int64_t marked_at;

static void watch(int fd, uint32_t tag, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = tag};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll");
}

static void end(Stream *stream, int state) {
  if (stream->state == CORRUPT || stream->fd < 0) return;
  struct linger at_once = {.l_onoff = 1};
  if (state == CORRUPT) setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(stream->fd);
  stream->fd = -1;
  stream->state = state;
}

static void add(int fd, int state) {
  if (count == MOST) { close(fd); return; }
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  streams[count] = (Stream){.fd = fd, .state = state, .heard_at = monotonic_us()};
  watch(fd, (uint32_t)count, state == OPENING ? EPOLLIN | EPOLLOUT : EPOLLIN);
  count++;
}

static void take(Stream *stream, const unsigned char *bytes, size_t length) {
  int64_t now = monotonic_us();
  int64_t from = stream->heard_at > marked_at ? stream->heard_at : marked_at;
  if (now - from > stream->longest_stall_us) stream->longest_stall_us = now - from;
  stream->heard_at = now;
  while (length--) {
    stream->partial[stream->held++] = *bytes++;
    if (stream->held < 8) continue;
    uint64_t word;
    memcpy(&word, stream->partial, 8);
    stream->held = 0;
    if (word != stream->heard + 1) { end(stream, CORRUPT); return; }
    stream->heard = word;
  }
}

static void open_if_connected(Stream *stream, uint32_t tag) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) { end(stream, RESET); return; }
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, stream->fd, &event);
  stream->state = OPEN;
  stream->heard_at = monotonic_us();
}

static void serve_stream(uint32_t tag, uint32_t events) {
  Stream *stream = &streams[tag];
  if (stream->state == OPENING) {
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) open_if_connected(stream, tag);
    return;
  }
  unsigned char bytes[4096];
  while (stream->state == OPEN) {
    ssize_t got = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) take(stream, bytes, (size_t)got);
    else if (got == 0) end(stream, CLOSED);
    else if (errno == EAGAIN || errno == EINTR) return;
    else end(stream, RESET);
  }
}

static void tick(int timer) {
  uint64_t elapsed;
  if (read(timer, &elapsed, sizeof elapsed) < 0) return;
  for (Stream *stream = streams; stream < streams + count; stream++) {
    if (stream->state != OPEN) continue;
    uint64_t word = stream->sent + 1;
    ssize_t sent = send(stream->fd, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == sizeof word) stream->sent = word;
    else if (sent >= 0) end(stream, CORRUPT); // an 8 byte word cut in two: cannot be repaired here
    else if (errno != EAGAIN) end(stream, RESET);
  }
}

static void report(void) {
  int64_t now = monotonic_us(), longest = 0;
  unsigned in_state[6] = {0}, flowing = 0;
  for (Stream *stream = streams; stream < streams + count; stream++) {
    in_state[stream->state]++;
    if (stream->state != OPEN) continue;
    int64_t from = stream->heard_at > marked_at ? stream->heard_at : marked_at;
    int64_t stall = stream->longest_stall_us > now - from ? stream->longest_stall_us : now - from;
    if (stall > longest) longest = stall;
    flowing += now - stream->heard_at < FLOWING_US;
  }
  printf("{\"event\":\"report\",\"t\":%lld,\"streams\":%d,\"open\":%u,\"flowing\":%u,\"reset\":%u,"
         "\"closed\":%u,\"corrupt\":%u,\"longestStallUs\":%lld}\n",
         (long long)now, count, in_state[OPEN], flowing, in_state[RESET], in_state[CLOSED],
         in_state[CORRUPT], (long long)longest);
  fflush(stdout);
}

static void run_command(const char *line) {
  if (!strcmp(line, "report")) report();
  if (strcmp(line, "mark")) return;
  marked_at = monotonic_us();
  for (int i = 0; i < count; i++) streams[i].longest_stall_us = 0;
}

static int open_socket(int port, const char *address, int wants_listener) {
  struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (address) inet_pton(AF_INET, address, &end.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (wants_listener && (bind(fd, (void *)&end, sizeof end) || listen(fd, 1024))) die("listen");
  if (!wants_listener && connect(fd, (void *)&end, sizeof end) && errno != EINPROGRESS)
    die("connect");
  return fd;
}

static void loop(int listener, int timer) {
  int said = listener >= 0;
  for (;;) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll_fd, events, 64, -1);
    for (int i = 0; i < n; i++) {
      uint32_t tag = events[i].data.u32;
      if (tag == INPUT) read_commands(run_command);
      else if (tag == TIMER) tick(timer);
      else if (tag == LISTENER) {
        int fd;
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) add(fd, OPEN);
      } else serve_stream(tag, events[i].events);
    }
    int opening = 0;
    for (int i = 0; !said && i < count; i++) opening += streams[i].state == OPENING;
    if (!said && !opening) { said = 1; say_ready(); }
  }
}

int main(int argc, char **argv) {
  int serving = argc == 4 && !strcmp(argv[1], "serve");
  if (!serving && !(argc == 6 && !strcmp(argv[1], "connect"))) return 2;
  struct rlimit files = {.rlim_cur = MOST + 64, .rlim_max = MOST + 64};
  setrlimit(RLIMIT_NOFILE, &files);
  epoll_fd = epoll_create1(0);
  int listener = serving ? open_socket(atoi(argv[2]), NULL, 1) : -1;
  if (serving) watch(listener, LISTENER, EPOLLIN);
  if (serving) say_ready();
  wanted = serving ? 0 : atoi(argv[4]);
  for (int i = 0; i < wanted; i++) add(open_socket(atoi(argv[3]), argv[2], 0), OPENING);
  int64_t interval_us = atoll(argv[argc - 1]) * 1000;
  struct timespec pace = {.tv_sec = interval_us / 1000000, .tv_nsec = interval_us % 1000000 * 1000};
  struct itimerspec every = {.it_interval = pace, .it_value = pace};
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  timerfd_settime(timer, 0, &every, NULL);
  watch(timer, TIMER, EPOLLIN);
  watch(0, INPUT, EPOLLIN);
  loop(listener, timer);
}
