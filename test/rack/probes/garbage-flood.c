// Somebody who cannot get in and tries to drown the door: datagrams without sense at a fixed rate.
//
//   garbage-flood DEVICE RATE PREFIX PORT ADDRESS...
//
// RATE: datagrams a second, shared by the addresses in turn (multicast groups too). PORT 0 sends IP
// protocol 112 instead of UDP: half of it noise, half well-formed CARP with a digest that is wrong,
// which costs the receiver the most. PREFIX: hexadecimal bytes each second UDP datagram begins
// with, "-" for none; it is then as long as a greeting (sealed-datagram.ts), so that it looks like
// something until its seal is checked.
//
// Without real-time priority, unlike the other probes: a flood must not keep its victims waiting
// for the processor, only for the network. "report" prints how many really went out.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { MOST = 16, BATCH = 64, LONGEST = 200, CARP = 36, GREETING = 88, CATCH_UP_US = 20000 };

static const int64_t TICK_US = 1000;
static struct sockaddr_storage targets[MOST];
static socklen_t target_sizes[MOST];
static int sockets[MOST], target_count, port;
static unsigned char prefix[64];
static size_t prefix_length;
static unsigned long sent, failed, next_number;
static int64_t began_at;

// xorshift64*: noise without the cost of the kernel's.
static uint64_t noise(void) {
  static uint64_t state = 88172645463325252ULL;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717ULL;
}

static size_t carp_advertisement(unsigned char *bytes) {
  uint32_t sum = 0;
  bytes[0] = 0x21;
  bytes[1] = 1; // the LAN's VHID in the rack
  bytes[2] = 0;
  bytes[3] = 7;
  bytes[4] = 0;
  bytes[5] = 1;
  bytes[6] = bytes[7] = 0;
  for (int i = 0; i < CARP; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  bytes[6] = (unsigned char)(~sum >> 8);
  bytes[7] = (unsigned char)~sum;
  return CARP;
}

static size_t garbage(unsigned char *bytes, unsigned long number) {
  for (size_t i = 0; i < LONGEST; i += 8) {
    uint64_t word = noise();
    memcpy(bytes + i, &word, 8);
  }
  size_t length = 1 + noise() % LONGEST;
  if (number % 2) return length;
  if (port == 0) return carp_advertisement(bytes);
  if (prefix_length == 0) return length;
  memcpy(bytes, prefix, prefix_length);
  return GREETING;
}

static void send_batch(int n) {
  static unsigned char bytes[BATCH][LONGEST + 8];
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  int target = (int)(next_number / BATCH % (unsigned long)target_count);
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < n; i++) {
    parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = garbage(bytes[i], next_number++)};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &targets[target],
                                          .msg_namelen = target_sizes[target],
                                          .msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int done = sendmmsg(sockets[target], messages, (unsigned)n, MSG_DONTWAIT);
  sent += done > 0 ? (unsigned long)done : 0;
  failed += (unsigned long)(n - (done > 0 ? done : 0));
}

static void run_command(const char *line) {
  if (strcmp(line, "report")) return;
  printf("{\"event\":\"report\",\"t\":%lld,\"sinceUs\":%lld,\"sent\":%lu,\"failed\":%lu}\n",
         (long long)monotonic_us(), (long long)began_at, sent, failed);
  fflush(stdout);
}

static void add_target(const char *device, const char *address) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  int is_v6 = strchr(address, ':') != NULL, hops = 255, zero = 0, room = 8 << 20, n = target_count++;
  if (n == MOST) exit(2);
  if (!inet_pton(is_v6 ? AF_INET6 : AF_INET, address,
                 is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr))
    die(address);
  int type = port ? SOCK_DGRAM : SOCK_RAW, protocol = port ? 0 : 112;
  int fd = sockets[n] = socket(is_v6 ? AF_INET6 : AF_INET, type, protocol);
  if (fd < 0) die("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1))
    die(device);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &zero, sizeof zero);
  setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
  setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops);
  setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &zero, sizeof zero);
  if (is_v6) memcpy(&targets[n], &v6, sizeof v6);
  else memcpy(&targets[n], &v4, sizeof v4);
  target_sizes[n] = is_v6 ? sizeof v6 : sizeof v4;
}

static void read_prefix(const char *text) {
  unsigned value;
  while (prefix_length < sizeof prefix && sscanf(text + 2 * prefix_length, "%2x", &value) == 1)
    prefix[prefix_length++] = (unsigned char)value;
}

static void flood(double rate) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  int64_t from = began_at = monotonic_us();
  double owed = 0;
  say_ready_as(0);
  for (;;) {
    int64_t now = monotonic_us(), passed = now - from;
    from = now;
    // What a busy machine kept us from sending is not sent in one burst.
    owed += rate * (double)(passed > CATCH_UP_US ? CATCH_UP_US : passed) / 1e6;
    while (owed >= BATCH) {
      send_batch(BATCH);
      owed -= BATCH;
    }
    struct timespec wait = {.tv_nsec = TICK_US * 1000};
    if (ppoll(&input, 1, &wait, NULL) > 0) read_commands(run_command);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  port = atoi(argv[4]);
  if (strcmp(argv[3], "-")) read_prefix(argv[3]);
  for (int i = 5; i < argc; i++) add_target(argv[1], argv[i]);
  flood(atof(argv[2]));
}
