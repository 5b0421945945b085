// Numbered datagrams both ways at a fixed pace: every one that is lost, doubled or late is known by
// its number, and by its direction. An echo probe cannot tell which way a datagram was lost.
//
//   datagram-stream serve PORT INTERVAL_US              answers the first that speaks to it
//   datagram-stream connect ADDRESS PORT INTERVAL_US
//
// Why C: 1 ms pacing with garbage collection beside it is out by 10-50 ms on a small machine.
//
// Commands on standard input: "mark" forgets the longest gap, "report" prints what was heard from
// the other end since the beginning. "missing" counts numbers below the highest that never came;
// those under way do not count, so it is exact at any time while datagrams go on arriving in order.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { RING = 1 << 17 }; // two minutes at 1 kHz; older doubles count as unexpected

static int sock;
static struct sockaddr_in peer;
static uint32_t next_seq, first_seq, highest_seq;
static uint32_t heard[RING]; // number + 1, 0 for none
static unsigned long received, duplicates, late, unexpected, unsent;
static int hears;
static int64_t heard_at, longest_gap_us, longest_gap_at, worst_late_us;

static void note(uint32_t seq, int64_t now) {
  if (!hears) {
    hears = 1;
    first_seq = highest_seq = seq;
    heard_at = now;
  }
  if (seq < first_seq || seq + RING <= highest_seq) { unexpected++; return; }
  if (heard[seq % RING] == seq + 1) { duplicates++; return; }
  heard[seq % RING] = seq + 1;
  received++;
  if (seq < highest_seq) late++;
  else highest_seq = seq;
  if (now - heard_at > longest_gap_us) {
    longest_gap_us = now - heard_at;
    longest_gap_at = heard_at;
  }
  heard_at = now;
}

static void receive(int learns) {
  uint32_t seq;
  ssize_t bytes;
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  while ((bytes = recvfrom(sock, &seq, sizeof seq, MSG_DONTWAIT, (void *)&from, &size)) >= 0 ||
         errno == ECONNREFUSED) {
    if (bytes != sizeof seq) continue;
    if (learns) peer = from;
    note(seq, monotonic_us());
  }
}

// A send that fails (no route, no carrier) leaves a number nobody can hear: it stays counted.
static void speak(void) {
  uint32_t seq = next_seq++;
  if (sendto(sock, &seq, sizeof seq, MSG_DONTWAIT, (void *)&peer, sizeof peer) < 0) unsent++;
}

static void report(int64_t now) {
  unsigned long span = hears ? highest_seq - first_seq + 1 : 0;
  int64_t open_gap = hears ? now - heard_at : 0;
  int open_is_longest = open_gap > longest_gap_us;
  printf("{\"event\":\"report\",\"t\":%lld,\"sent\":%u,\"unsent\":%lu,\"received\":%lu,"
         "\"missing\":%lu,\"duplicates\":%lu,\"late\":%lu,\"unexpected\":%lu,\"longestGapUs\":%lld,"
         "\"longestGapAt\":%lld,\"worstLateUs\":%lld}\n",
         (long long)now, next_seq, unsent, received, span - received, duplicates, late, unexpected,
         (long long)(open_is_longest ? open_gap : longest_gap_us),
         (long long)(open_is_longest ? heard_at : longest_gap_at), (long long)worst_late_us);
  fflush(stdout);
}

static void run_command(const char *line) {
  if (!strcmp(line, "report")) report(monotonic_us());
  if (strcmp(line, "mark")) return;
  heard_at = monotonic_us();
  longest_gap_us = longest_gap_at = worst_late_us = 0;
}

static void stream(int learns, int64_t interval_us) {
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
  say_ready();
  int64_t due = monotonic_us();
  for (;;) {
    int64_t now = monotonic_us();
    if (now >= due) {
      if (now - due > worst_late_us) worst_late_us = now - due;
      if (!learns || hears) speak();
      // Late ticks are skipped, not sent in a burst.
      due += interval_us * ((now - due) / interval_us + 1);
    }
    int64_t wait_us = due - monotonic_us();
    struct timespec wait = {.tv_nsec = wait_us > 0 ? (wait_us % 1000000) * 1000 : 0,
                            .tv_sec = wait_us > 0 ? wait_us / 1000000 : 0};
    ppoll(fds, 2, &wait, NULL);
    if (fds[1].revents) receive(learns);
    if (fds[0].revents) read_commands(run_command);
  }
}

int main(int argc, char **argv) {
  int serving = argc == 4 && !strcmp(argv[1], "serve"), room = 4 << 20;
  if (!serving && !(argc == 5 && !strcmp(argv[1], "connect"))) return 2;
  struct sockaddr_in end = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(argv[serving ? 2 : 3]))};
  sock = socket(AF_INET, SOCK_DGRAM, 0);
  if (sock < 0) die("socket");
  setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (serving && bind(sock, (void *)&end, sizeof end)) die("bind");
  if (!serving) inet_pton(AF_INET, argv[2], &end.sin_addr);
  peer = end;
  stream(serving, atoll(argv[argc - 1]));
}
