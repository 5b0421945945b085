// Asks one address the same question at a fixed pace and measures how long nobody answered.
//
//   echo-probe serve PORT                        UDP echo server
//   echo-probe udp  ADDRESS PORT INTERVAL_US     datagrams to an echo server
//   echo-probe icmp ADDRESS INTERVAL_US          ICMP echo requests (RFC 792)
//   echo-probe arp  DEVICE ADDRESS INTERVAL_US   ARP requests (RFC 826)
//
// Why C: 1 ms pacing with garbage collection beside it is out by 10-50 ms on a small machine.
// Why the ARP asker changes its own address with every request: ARP carries no identifier, but a
// reply repeats the address that asked. Eighty unused addresses in turn tell the replies apart, so
// "two answers to one request" is a fact and not a guess from the clock.
//
// Commands on standard input: "mark" opens a new window, "report" prints it.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { RING = 1 << 18, FIRST_ASKER = 110, ASKERS = 80 };
static const int64_t SETTLE_US = 200000; // an unanswered question this old counts as lost

static enum { UDP, ICMP, ARP } kind;
static int sock;
static struct sockaddr_in target;
static struct sockaddr_ll link_address;
static unsigned char own_mac[6];
static in_addr_t asked_address, own_address;

static int64_t sent_at[RING];
static unsigned char answers[RING];
static uint32_t next_seq, mark_seq;
static int64_t marked_at, last_answer_at, longest_gap_us, longest_gap_at, worst_late_us;
static unsigned long duplicates, unexpected;

static unsigned short checksum(const void *data, size_t bytes) {
  const unsigned short *word = data;
  unsigned long sum = 0;
  for (; bytes > 1; bytes -= 2) sum += *word++;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (unsigned short)~sum;
}

static in_addr_t asker_of(uint32_t seq) {
  return htonl((ntohl(own_address) & 0xffffff00) | (FIRST_ASKER + seq % ASKERS));
}

static void send_arp(uint32_t seq) {
  unsigned char frame[42];
  struct ether_header *ether = (void *)frame;
  struct ether_arp *arp = (void *)(frame + sizeof *ether);
  in_addr_t asker = asker_of(seq);
  memset(ether->ether_dhost, 0xff, 6);
  memcpy(ether->ether_shost, own_mac, 6);
  ether->ether_type = htons(ETHERTYPE_ARP);
  memset(arp, 0, sizeof *arp);
  arp->arp_hrd = htons(ARPHRD_ETHER);
  arp->arp_pro = htons(ETHERTYPE_IP);
  arp->arp_hln = 6;
  arp->arp_pln = 4;
  arp->arp_op = htons(ARPOP_REQUEST);
  memcpy(arp->arp_sha, own_mac, 6);
  memcpy(arp->arp_spa, &asker, 4);
  memcpy(arp->arp_tpa, &asked_address, 4);
  sendto(sock, frame, sizeof frame, MSG_DONTWAIT, (void *)&link_address, sizeof link_address);
}

static void send_icmp(uint32_t seq) {
  struct { struct icmphdr head; uint32_t seq; } echo = {.head = {.type = ICMP_ECHO}, .seq = seq};
  echo.head.un.echo.id = htons((uint16_t)getpid());
  echo.head.un.echo.sequence = htons((uint16_t)seq);
  echo.head.checksum = checksum(&echo, sizeof echo);
  sendto(sock, &echo, sizeof echo, MSG_DONTWAIT, (void *)&target, sizeof target);
}

// A send that fails (no route, no carrier) is a question without an answer: it stays counted.
static void ask(int64_t now) {
  uint32_t seq = next_seq++;
  sent_at[seq % RING] = now;
  answers[seq % RING] = 0;
  if (kind == UDP) sendto(sock, &seq, sizeof seq, MSG_DONTWAIT, (void *)&target, sizeof target);
  else if (kind == ICMP) send_icmp(seq);
  else send_arp(seq);
}

// The sequence number a packet answers, or 0 when it answers nothing of ours.
static int answered_seq(const unsigned char *packet, ssize_t bytes, uint32_t *seq) {
  if (kind == UDP && bytes == sizeof *seq) {
    memcpy(seq, packet, sizeof *seq);
    return 1;
  }
  if (kind == ICMP && bytes >= (ssize_t)(sizeof(struct iphdr) + sizeof(struct icmphdr) + 4)) {
    const struct icmphdr *head = (void *)(packet + ((const struct iphdr *)packet)->ihl * 4);
    if (head->type != ICMP_ECHOREPLY || head->un.echo.id != htons((uint16_t)getpid())) return 0;
    memcpy(seq, head + 1, sizeof *seq);
    return 1;
  }
  if (kind == ARP && bytes >= 42) {
    const struct ether_arp *arp = (void *)(packet + sizeof(struct ether_header));
    if (arp->arp_op != htons(ARPOP_REPLY) || memcmp(arp->arp_spa, &asked_address, 4)) return 0;
    uint32_t slot = (uint32_t)arp->arp_tpa[3] - FIRST_ASKER;
    if (slot >= ASKERS || next_seq == 0) return 0;
    uint32_t last = next_seq - 1; // the youngest request that this address asked
    uint32_t back = (last % ASKERS + ASKERS - slot) % ASKERS;
    if (back > last) return 0;
    *seq = last - back;
    return 1;
  }
  return 0;
}

static void note_answer(uint32_t seq, int64_t now) {
  if (next_seq - seq > RING || seq >= next_seq) { unexpected++; return; }
  if (answers[seq % RING] < 255) answers[seq % RING]++;
  if (answers[seq % RING] > 1 && seq >= mark_seq) duplicates++;
  int64_t gap = now - last_answer_at;
  if (gap > longest_gap_us) {
    longest_gap_us = gap;
    longest_gap_at = last_answer_at;
  }
  last_answer_at = now;
}

static void receive(void) {
  unsigned char packet[2048];
  ssize_t bytes;
  uint32_t seq;
  while ((bytes = recv(sock, packet, sizeof packet, MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED)
    if (bytes >= 0 && answered_seq(packet, bytes, &seq)) note_answer(seq, monotonic_us());
}

static void report(int64_t now) {
  unsigned long asked = 0, lost = 0, run = 0, longest_run = 0;
  uint32_t first = next_seq - mark_seq > RING ? next_seq - RING : mark_seq;
  for (uint32_t seq = first; seq != next_seq && sent_at[seq % RING] < now - SETTLE_US; seq++) {
    asked++;
    run = answers[seq % RING] ? 0 : run + 1;
    lost += !answers[seq % RING];
    if (run > longest_run) longest_run = run;
  }
  int64_t open_gap = now - last_answer_at;
  if (open_gap > longest_gap_us) { longest_gap_us = open_gap; longest_gap_at = last_answer_at; }
  printf("{\"event\":\"report\",\"t\":%lld,\"sinceUs\":%lld,\"asked\":%lu,\"lost\":%lu,"
         "\"longestLossRun\":%lu,\"longestGapUs\":%lld,\"longestGapAt\":%lld,\"openGapUs\":%lld,"
         "\"duplicates\":%lu,\"unexpected\":%lu,\"worstLateUs\":%lld}\n",
         (long long)now, (long long)marked_at, asked, lost, longest_run, (long long)longest_gap_us,
         (long long)longest_gap_at, (long long)open_gap, duplicates, unexpected,
         (long long)worst_late_us);
  fflush(stdout);
}

static void run_command(const char *line) {
  int64_t now = monotonic_us();
  if (!strcmp(line, "report")) report(now);
  if (strcmp(line, "mark")) return;
  mark_seq = next_seq;
  marked_at = last_answer_at = now;
  longest_gap_us = worst_late_us = 0;
  duplicates = unexpected = 0;
}

static void probe(int64_t interval_us) {
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
  int64_t due = monotonic_us();
  marked_at = last_answer_at = due;
  say_ready();
  for (;;) {
    int64_t now = monotonic_us();
    if (now >= due) {
      if (now - due > worst_late_us) worst_late_us = now - due;
      ask(now);
      // Late ticks are skipped, not sent in a burst.
      due += interval_us * ((now - due) / interval_us + 1);
    }
    int64_t wait_us = due - monotonic_us();
    struct timespec wait = {.tv_nsec = wait_us > 0 ? (wait_us % 1000000) * 1000 : 0,
                            .tv_sec = wait_us > 0 ? wait_us / 1000000 : 0};
    ppoll(fds, 2, &wait, NULL);
    if (fds[1].revents) receive();
    if (fds[0].revents) read_commands(run_command);
  }
}

static void ignore_command(const char *line) { (void)line; }

static void serve(int port) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}, from;
  sock = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(sock, (void *)&here, sizeof here)) die("bind");
  struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = sock, .events = POLLIN}};
  say_ready();
  for (;;) {
    poll(fds, 2, -1);
    char packet[2048];
    socklen_t size = sizeof from;
    ssize_t bytes;
    while (fds[1].revents &&
           (bytes = recvfrom(sock, packet, sizeof packet, MSG_DONTWAIT, (void *)&from, &size)) >= 0)
      sendto(sock, packet, (size_t)bytes, MSG_DONTWAIT, (void *)&from, size);
    if (fds[0].revents) read_commands(ignore_command);
  }
}

static void open_arp(const char *device) {
  struct ifreq request = {0};
  sock = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE_ARP));
  if (sock < 0) die("packet socket");
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  if (ioctl(sock, SIOCGIFHWADDR, &request)) die(device);
  memcpy(own_mac, request.ifr_hwaddr.sa_data, 6);
  link_address = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_ARP),
                                      .sll_ifindex = (int)if_nametoindex(device), .sll_halen = 6};
  memset(link_address.sll_addr, 0xff, 6);
  if (bind(sock, (void *)&link_address, sizeof link_address)) die("bind");
  int one = 1;
  setsockopt(sock, SOL_PACKET, 23 /* PACKET_IGNORE_OUTGOING */, &one, sizeof one);
  own_address = asked_address; // the askers live in the asked address's /24
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "serve")) serve(atoi(argv[2]));
  if (argc != 4 && argc != 5) return 2;
  target.sin_family = AF_INET;
  inet_pton(AF_INET, argv[2], &target.sin_addr);
  if (!strcmp(argv[1], "udp") && argc == 5) {
    kind = UDP;
    target.sin_port = htons((uint16_t)atoi(argv[3]));
    sock = socket(AF_INET, SOCK_DGRAM, 0);
  } else if (!strcmp(argv[1], "icmp")) {
    kind = ICMP;
    sock = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  } else if (!strcmp(argv[1], "arp") && argc == 5) {
    kind = ARP;
    inet_pton(AF_INET, argv[3], &asked_address);
    open_arp(argv[2]);
  } else {
    return 2;
  }
  if (sock < 0) die("socket");
  probe(atoll(argv[argc - 1]));
}
