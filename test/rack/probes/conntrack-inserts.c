// How fast this kernel takes connections into its table when nothing else costs anything: requests
// as the firmware makes them (established TCP, by ctnetlink, no acknowledgement), prepared in
// advance and handed over by the batch. In C, so that what is measured is the kernel alone.
//
//   conntrack-inserts COUNT BATCH
//
// Inserts COUNT flows, removes them again, and prints one line; the namespace should have no
// listener for connection events.
#include "probe-loop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

enum { LONGEST = 256, TIMEOUT_S = 3600, ESTABLISHED = 3, STATUS = 0x0e, PORTS = 16384 };

static unsigned char *out; // where the next attribute goes

static struct nlattr *nest(int type) {
  struct nlattr *attribute = (struct nlattr *)out;
  attribute->nla_type = type | NLA_F_NESTED;
  out += NLA_HDRLEN;
  return attribute;
}

static void end(struct nlattr *attribute) { attribute->nla_len = out - (unsigned char *)attribute; }

static void put(int type, const void *value, size_t length) {
  struct nlattr *attribute = (struct nlattr *)out;
  attribute->nla_type = type;
  attribute->nla_len = NLA_HDRLEN + length;
  memcpy(out + NLA_HDRLEN, value, length);
  memset(out + NLA_HDRLEN + length, 0, NLA_ALIGN(length) - length);
  out += NLA_HDRLEN + NLA_ALIGN(length);
}

static void put_byte(int type, uint8_t value) { put(type, &value, 1); }

static void put_short(int type, uint16_t value) {
  value = htons(value);
  put(type, &value, 2);
}

static void put_word(int type, uint32_t value) {
  value = htonl(value);
  put(type, &value, 4);
}

static void put_tuple(int type, uint32_t source, uint32_t destination, int from, int to) {
  struct nlattr *tuple = nest(type), *ip = nest(CTA_TUPLE_IP);
  put_word(CTA_IP_V4_SRC, source);
  put_word(CTA_IP_V4_DST, destination);
  end(ip);
  struct nlattr *transport = nest(CTA_TUPLE_PROTO);
  put_byte(CTA_PROTO_NUM, IPPROTO_TCP);
  put_short(CTA_PROTO_SRC_PORT, from);
  put_short(CTA_PROTO_DST_PORT, to);
  end(transport);
  end(tuple);
}

static void put_state(void) {
  struct nf_ct_tcp_flags flags = {.flags = 0x0b, .mask = 0x0f};
  put_word(CTA_TIMEOUT, TIMEOUT_S);
  put_word(CTA_STATUS, STATUS);
  struct nlattr *info = nest(CTA_PROTOINFO), *tcp = nest(CTA_PROTOINFO_TCP);
  put_byte(CTA_PROTOINFO_TCP_STATE, ESTABLISHED);
  put_byte(CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 10);
  put_byte(CTA_PROTOINFO_TCP_WSCALE_REPLY, 10);
  put(CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &flags, sizeof flags);
  put(CTA_PROTOINFO_TCP_FLAGS_REPLY, &flags, sizeof flags);
  end(tcp);
  end(info);
}

static void put_request(int message, long number) {
  struct nlmsghdr *head = (struct nlmsghdr *)out;
  unsigned char *start = out;
  uint32_t source = 0x0a000002 + number / PORTS, destination = 0x0a800001;
  int port = 1024 + number % PORTS;
  *head = (struct nlmsghdr){
      .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | message,
      .nlmsg_flags = NLM_F_REQUEST | (message == IPCTNL_MSG_CT_NEW ? NLM_F_CREATE | NLM_F_EXCL : 0),
      .nlmsg_seq = number + 1,
  };
  out += NLMSG_HDRLEN;
  *(struct nfgenmsg *)out = (struct nfgenmsg){.nfgen_family = AF_INET};
  out += NLMSG_ALIGN(sizeof(struct nfgenmsg));
  put_tuple(CTA_TUPLE_ORIG, source, destination, port, 443);
  if (message == IPCTNL_MSG_CT_NEW) {
    put_tuple(CTA_TUPLE_REPLY, destination, source, 443, port);
    put_state();
  }
  head->nlmsg_len = out - start;
}

// Whatever the kernel refused waits to be read when a request was carried out.
static long refusals(int fd) {
  static unsigned char answer[8192];
  long count = 0;
  for (;;) {
    ssize_t got = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
    if (got < 0 && errno == ENOBUFS) continue;
    if (got < 0) return count;
    count += 1;
  }
}

// Microseconds in the kernel for all of them; what it refused is added to `refused`.
static int64_t run(int fd, int message, long count, int batch, long *refused) {
  unsigned char *bytes = malloc((size_t)batch * LONGEST);
  if (!bytes) die("malloc");
  int64_t took = 0;
  for (long done = 0; done < count; done += batch) {
    out = bytes;
    for (int i = 0; i < batch && done + i < count; i++) put_request(message, done + i);
    int64_t begun = monotonic_us();
    if (send(fd, bytes, (size_t)(out - bytes), 0) < 0) die("send");
    *refused += refusals(fd);
    took += monotonic_us() - begun;
  }
  free(bytes);
  return took;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  long flows = atol(words[1]), refused = 0, unknown = 0;
  int batch = atoi(words[2]);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (fd < 0 || bind(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0) die("netlink");
  if (connect(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0) die("connect");
  int64_t inserting = run(fd, IPCTNL_MSG_CT_NEW, flows, batch, &refused);
  int64_t removing = run(fd, IPCTNL_MSG_CT_DELETE, flows, batch, &unknown);
  printf("{\"event\":\"inserted\",\"t\":%lld,\"insertUs\":%lld,\"removeUs\":%lld,"
         "\"refused\":%ld,\"unknown\":%ld}\n",
         (long long)monotonic_us(), (long long)inserting, (long long)removing, refused, unknown);
  return 0;
}
