// A monitor port: prints who said what on the rack's switches, with the kernel's arrival time.
//
//   switch-tap       in the switches' namespace; ports are named SEGMENT.STATION ("lan.a")
//
// Lines: ARP and neighbour discovery frames, protocol 112 packets (CARP and VRRP share it), and one
// line each time another port begins to send from a virtual MAC 00:00:5e:00:01:xx. Only frames that
// come in from a port are seen: what a station said, not what the switch made of it. One socket
// for all devices, so that a port that is unplugged, removed and made again stays watched.
// The command "report" prints the number of frames the kernel had to drop; it must be 0 to trust.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static int sock;
static unsigned long dropped;

// ARP | protocol 112 over IPv4 or IPv6 | ICMPv6 | any frame from a virtual MAC; else nothing.
static struct sock_filter wanted[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 6),                       // source MAC, first four bytes
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x00005e00, 10, 0),      // accept
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),                      // ethertype
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 8, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 2),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),                      // IPv4 protocol
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 112, 5, 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 3),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),                      // IPv6 next header
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 112, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, 256),
};

static void format_mac(const unsigned char *mac, char *text) {
  for (int i = 0; i < 6; i++) sprintf(text + 3 * i, i < 5 ? "%02x:" : "%02x", mac[i]);
}

// The port's name, or NULL for devices that are no port (the bridges, lo).
static const char *port_name(int ifindex) {
  static char names[512][IF_NAMESIZE];
  if (ifindex <= 0) return NULL;
  char *name = names[ifindex % 512];
  if (!if_indextoname((unsigned)ifindex, name)) return NULL;
  return strchr(name, '.') ? name : NULL;
}

// Remembers which port last spoke with each virtual MAC on each segment.
static void note_speaker(int64_t t, const char *port, const unsigned char *mac) {
  static struct { char port[IF_NAMESIZE]; int64_t heard_at; } speakers[8][256];
  static char segments[8][IF_NAMESIZE];
  size_t length = strcspn(port, "."), s = 0;
  while (s < 7 && segments[s][0] && (strncmp(segments[s], port, length) || segments[s][length]))
    s++;
  memcpy(segments[s], port, length);
  typeof(&speakers[0][0]) last = &speakers[s][mac[5]];
  if (strcmp(last->port, port)) {
    char text[18];
    format_mac(mac, text);
    printf("{\"event\":\"speaker\",\"t\":%lld,\"port\":\"%s\",\"mac\":\"%s\",\"before\":\"%s\","
           "\"beforeT\":%lld}\n", (long long)t, port, text, last->port, (long long)last->heard_at);
    strcpy(last->port, port);
  }
  last->heard_at = t;
}

static void print_question(int64_t t, const char *port, const char *event, const char *mac,
                           const char *sender, const char *target) {
  printf("{\"event\":\"%s\",\"t\":%lld,\"port\":\"%s\",\"mac\":\"%s\",", event,
         (long long)t, port, mac);
  printf("\"sender\":\"%s\",\"target\":\"%s\"}\n", sender, target);
}

static void print_arp(int64_t t, const char *port, const unsigned char *frame) {
  const struct ether_arp *arp = (const void *)(frame + 14);
  char mac[18], spa[16], tpa[16];
  format_mac(frame + 6, mac);
  inet_ntop(AF_INET, arp->arp_spa, spa, sizeof spa);
  inet_ntop(AF_INET, arp->arp_tpa, tpa, sizeof tpa);
  int is_reply = arp->arp_op == htons(ARPOP_REPLY);
  print_question(t, port, is_reply ? "arp-reply" : "arp-request", mac, spa, tpa);
}

static void print_neighbour(int64_t t, const char *port, const unsigned char *frame) {
  char mac[18], source[46], target[46];
  if (frame[54] != 135 && frame[54] != 136) return; // RFC 4861: solicitation, advertisement
  format_mac(frame + 6, mac);
  inet_ntop(AF_INET6, frame + 22, source, sizeof source);
  inet_ntop(AF_INET6, frame + 62, target, sizeof target);
  int is_solicit = frame[54] == 135;
  const char *event = is_solicit ? "neighbour-solicit" : "neighbour-advert";
  print_question(t, port, event, mac, source, target);
}

static void print_advert(int64_t t, const char *port, const unsigned char *frame, size_t bytes) {
  int v6 = frame[12] == 0x86;
  size_t at = v6 ? 54 : 14 + (size_t)(frame[14] & 15) * 4;
  char mac[18], source[46], hex[80] = "";
  format_mac(frame + 6, mac);
  inet_ntop(v6 ? AF_INET6 : AF_INET, frame + (v6 ? 22 : 26), source, sizeof source);
  for (size_t i = 0; i < 36 && at + i < bytes; i++) sprintf(hex + 2 * i, "%02x", frame[at + i]);
  printf("{\"event\":\"advert\",\"t\":%lld,\"port\":\"%s\",\"mac\":\"%s\",",
         (long long)t, port, mac);
  printf("\"sender\":\"%s\",\"ttl\":%d,\"bytes\":\"%s\"}\n", source, frame[v6 ? 21 : 22], hex);
}

static void print_frame(int64_t t, const char *port, const unsigned char *frame, size_t bytes) {
  static const unsigned char virtual_prefix[5] = {0, 0, 0x5e, 0, 1};
  if (bytes < 42) return;
  if (!memcmp(frame + 6, virtual_prefix, 5)) note_speaker(t, port, frame + 6);
  unsigned type = (unsigned)frame[12] << 8 | frame[13];
  int protocol = type == ETHERTYPE_IP ? frame[23] : type == ETHERTYPE_IPV6 ? frame[20] : -1;
  if (type == ETHERTYPE_ARP) print_arp(t, port, frame);
  else if (protocol == 58 && bytes >= 78) print_neighbour(t, port, frame);
  else if (protocol == 112) print_advert(t, port, frame, bytes);
}

// The kernel stamps frames with wall-clock time; the difference to the monotonic clock now.
static int64_t wall_minus_monotonic(void) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  return wall.tv_sec * 1000000LL + wall.tv_nsec / 1000 - monotonic_us();
}

static void read_frames(void) {
  unsigned char frame[256];
  char control[256];
  struct sockaddr_ll from;
  int64_t offset = wall_minus_monotonic();
  for (;;) {
    struct iovec part = {.iov_base = frame, .iov_len = sizeof frame};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part,
                             .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t bytes = recvmsg(sock, &message, MSG_DONTWAIT);
    if (bytes < 0) break;
    const char *port = port_name(from.sll_ifindex);
    int64_t t = monotonic_us();
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
      if (c->cmsg_type == SO_TIMESTAMPNS) {
        struct timespec stamp;
        memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        t = stamp.tv_sec * 1000000LL + stamp.tv_nsec / 1000 - offset;
      }
    if (port) print_frame(t, port, frame, (size_t)bytes);
  }
  fflush(stdout);
}

static void run_command(const char *line) {
  struct tpacket_stats { unsigned seen, lost; } stats;
  socklen_t size = sizeof stats;
  if (strcmp(line, "report")) return;
  read_frames();
  // PACKET_STATISTICS starts again at 0 with each reading (packet(7)).
  if (getsockopt(sock, SOL_PACKET, 6, &stats, &size)) die("statistics");
  dropped += stats.lost;
  printf("{\"event\":\"report\",\"t\":%lld,\"dropped\":%lu}\n", (long long)monotonic_us(), dropped);
  fflush(stdout);
}

int main(void) {
  int one = 1, room = 8 << 20;
  sock = socket(AF_PACKET, SOCK_RAW, 0);
  if (sock < 0) die("packet socket");
  struct sock_fprog program = {.len = sizeof wanted / sizeof *wanted, .filter = wanted};
  if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) die("filter");
  if (setsockopt(sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one))
    die("ignore outgoing");
  setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  if (bind(sock, (void *)&all, sizeof all)) die("bind");
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
  say_ready();
  for (;;) {
    poll(fds, 2, -1);
    if (fds[1].revents) read_frames();
    if (fds[0].revents) read_commands(run_command);
  }
}
