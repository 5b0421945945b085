/*
 * The one piece of native code of Yoke: the Linux system calls that Node does not offer. Raw and
 * netlink sockets, batched receive and send, a send that another thread waits for, a blocking poll
 * for real-time threads, timerfd, eventfd, scheduling. No protocol is known here; every byte is laid out in TypeScript.
 *
 * Rules: Node-API and libuv only, so one binary serves every Node version. Every function returns a
 * number, and a failed system call returns -errno; a wrong argument is -EINVAL, never a crash.
 * Lengths come from the typed arrays themselves. Structures handed to JavaScript are tagged, so
 * that one kind cannot be passed for another. Sockets and other descriptors are plain numbers.
 *
 * Standards: Node-API version 8; socket(7), packet(7), netlink(7), recvmmsg(2), ppoll(2),
 * timerfd_create(2), eventfd(2), sched_setscheduler(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "watch.h"

/* ---- sockets -------------------------------------------------------------------------------- */

/* openSocket(domain, type, protocol): never blocks, closed on exec */
static napi_value open_socket(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	int domain, type, protocol;
	if (!get_int(&call, 0, &domain) || !get_int(&call, 1, &type) || !get_int(&call, 2, &protocol))
		return invalid(env);
	return outcome(env, socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

typedef int address_call(int fd, const struct sockaddr *address, socklen_t length);

static napi_value with_address(napi_env env, napi_callback_info info, address_call *act)
{
	struct call call = arguments(env, info);
	struct bytes address;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &address)) return invalid(env);
	return outcome(env, act(fd, (const struct sockaddr *)address.data, (socklen_t)address.length));
}

static napi_value bind_socket(napi_env env, napi_callback_info info)
{
	return with_address(env, info, bind);
}

static napi_value connect_socket(napi_env env, napi_callback_info info)
{
	return with_address(env, info, connect);
}

/* socketName(fd, out): length of the address written to `out` */
static napi_value socket_name(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes out;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &out)) return invalid(env);
	socklen_t length = (socklen_t)out.length;
	if (getsockname(fd, (struct sockaddr *)out.data, &length) < 0) return outcome(env, -1);
	return number(env, length);
}

/* setOption(fd, level, name, value): value is an int or bytes */
static napi_value set_option(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes bytes;
	int fd, level, name, value;
	if (!get_int(&call, 0, &fd) || !get_int(&call, 1, &level) || !get_int(&call, 2, &name))
		return invalid(env);
	if (get_bytes(&call, 3, &bytes))
		return outcome(env, setsockopt(fd, level, name, bytes.data, (socklen_t)bytes.length));
	if (!get_int(&call, 3, &value)) return invalid(env);
	return outcome(env, setsockopt(fd, level, name, &value, sizeof value));
}

/* getOption(fd, level, name): an option whose value is an int */
static napi_value get_option(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	int fd, level, name, value = 0;
	socklen_t length = sizeof value;
	if (!get_int(&call, 0, &fd) || !get_int(&call, 1, &level) || !get_int(&call, 2, &name))
		return invalid(env);
	if (getsockopt(fd, level, name, &value, &length) < 0) return outcome(env, -1);
	return number(env, value);
}

/* attachFilter(fd, program): classic BPF, eight bytes an instruction */
static napi_value attach_filter(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes program;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &program)) return invalid(env);
	size_t count = program.length / sizeof(struct sock_filter);
	if (count == 0 || count > BPF_MAXINSNS || program.length % sizeof(struct sock_filter) != 0)
		return invalid(env);
	struct sock_fprog filter = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)program.data,
	};
	return outcome(env, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
}

static napi_value close_descriptor(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	int fd;
	if (!get_int(&call, 0, &fd)) return invalid(env);
	return outcome(env, close(fd));
}

/* interfaceIndex(name) */
static napi_value interface_index(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	char name[IF_NAMESIZE + 1];
	size_t length;
	if (call.count < 1) return invalid(env);
	napi_status got = napi_get_value_string_utf8(env, call.value[0], name, sizeof name, &length);
	if (got != napi_ok) return invalid(env);
	if (length >= IF_NAMESIZE) return number(env, -ENODEV);
	unsigned int index = if_nametoindex(name);
	return index == 0 ? outcome(env, -1) : number(env, index);
}

/* send(fd, bytes, length, address?): sends the first `length` bytes */
static napi_value send_bytes(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes bytes, address = {NULL, 0};
	int fd, length;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &bytes) || !get_int(&call, 2, &length))
		return invalid(env);
	if (length < 0 || (size_t)length > bytes.length) return invalid(env);
	if (call.count > 3 && !get_bytes(&call, 3, &address)) return invalid(env);
	return outcome(env, sendto(fd, bytes.data, (size_t)length, MSG_NOSIGNAL,
				   (const struct sockaddr *)address.data, (socklen_t)address.length));
}

/* receive(fd, out): one datagram; its whole length even when `out` was too short for it */
static napi_value receive_bytes(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes out;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &out)) return invalid(env);
	return outcome(env, recv(fd, out.data, out.length, MSG_DONTWAIT | MSG_TRUNC));
}

/* readAt(fd, out, offset): pread(2), for files of sysfs that are read again and again */
static napi_value read_at(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes out;
	int fd, offset;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &out) || !get_int(&call, 2, &offset))
		return invalid(env);
	return outcome(env, pread(fd, out.data, out.length, offset));
}

/* read(fd, out) */
static napi_value read_bytes(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes out;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &out)) return invalid(env);
	return outcome(env, read(fd, out.data, out.length));
}

/* ---- sending aside -------------------------------------------------------------------------- */

#define ASIDE_STACK 65536

struct aside {
	int fd, done;
	size_t length;
	uint8_t bytes[];
};

static void *send_and_signal(void *data)
{
	struct aside *aside = data;
	(void)!send(aside->fd, aside->bytes, aside->length, MSG_NOSIGNAL);
	eventfd_write(aside->done, 1);
	free(aside);
	return NULL;
}

/* No signal is for it: Node's handlers belong to Node's threads. */
static int start_detached(void *(*run)(void *), void *data)
{
	sigset_t all, former;
	pthread_attr_t attributes;
	pthread_t thread;
	int failure = pthread_attr_init(&attributes);
	if (failure != 0) return failure;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, ASIDE_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	failure = pthread_create(&thread, &attributes, run, data);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	pthread_attr_destroy(&attributes);
	return failure;
}

/*
 * sendAside(fd, bytes, done): a thread of its own sends the bytes, for calls in which the kernel
 * takes its time (netlink), then signals the eventfd `done`, whatever became of it. Both descriptors
 * must stay open until then.
 */
static napi_value send_aside(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes bytes;
	int fd, done;
	if (!get_int(&call, 0, &fd) || !get_bytes(&call, 1, &bytes) || !get_int(&call, 2, &done))
		return invalid(env);
	struct aside *aside = malloc(sizeof *aside + bytes.length);
	if (aside == NULL) return number(env, -ENOMEM);
	aside->fd = fd;
	aside->done = done;
	aside->length = bytes.length;
	memcpy(aside->bytes, bytes.data, bytes.length);
	int failure = start_detached(send_and_signal, aside);
	if (failure != 0) free(aside);
	return number(env, -failure);
}

/* ---- batches -------------------------------------------------------------------------------- */

#define BATCH_LIMIT 1024

/* recvmmsg(2) or sendmmsg(2) on memory of JavaScript, which the references keep alive. */
struct batch {
	unsigned int count;
	uint8_t *data;
	size_t length;
	int32_t *spans;
	napi_ref data_reference, spans_reference, names_reference;
	/* Size of the room for each sender's address, 0 for none. */
	socklen_t name_size;
	struct mmsghdr *messages;
	struct iovec *vectors;
	struct sockaddr_storage address;
};

static const napi_type_tag RECEIVE_TAG = {0x796f6b6552454356, 0x8f1c2a6d5be34c01};
static const napi_type_tag SEND_TAG = {0x796f6b6553454e44, 0x8f1c2a6d5be34c02};

static void free_batch(napi_env env, void *data, void *hint)
{
	struct batch *batch = data;
	(void)hint;
	if (batch->data_reference != NULL) napi_delete_reference(env, batch->data_reference);
	if (batch->spans_reference != NULL) napi_delete_reference(env, batch->spans_reference);
	if (batch->names_reference != NULL) napi_delete_reference(env, batch->names_reference);
	free(batch->messages);
	free(batch->vectors);
	free(batch);
}

/* NULL when there is no memory; the arrays are arguments `array` and `array + 1` of the call. */
static struct batch *new_batch(const struct call *call, size_t array, size_t count)
{
	struct batch *batch = calloc(1, sizeof *batch);
	if (batch == NULL) return NULL;
	batch->count = (unsigned int)count;
	batch->messages = calloc(count, sizeof *batch->messages);
	batch->vectors = calloc(count, sizeof *batch->vectors);
	napi_env env = call->env;
	const napi_value *arrays = &call->value[array];
	if (batch->messages == NULL || batch->vectors == NULL ||
	    napi_create_reference(env, arrays[0], 1, &batch->data_reference) != napi_ok ||
	    napi_create_reference(env, arrays[1], 1, &batch->spans_reference) != napi_ok) {
		free_batch(env, batch, NULL);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return batch;
}

/*
 * receiveBatch(slots, lengths, slotSize, senders?): as many slots as fit into both arrays. `senders`
 * has room for a struct sockaddr_in6 for each of them.
 */
static napi_value receive_batch(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes slots, lengths, senders = {NULL, 0};
	int size;
	if (!get_bytes(&call, 0, &slots) || !get_ints(&call, 1, &lengths) ||
	    !get_int(&call, 2, &size) || size <= 0)
		return invalid(env);
	if (call.count > 3 && !get_bytes(&call, 3, &senders)) return invalid(env);
	size_t count = slots.length / (size_t)size;
	if (count > lengths.length / sizeof(int32_t)) count = lengths.length / sizeof(int32_t);
	if (count == 0 || count > BATCH_LIMIT) return invalid(env);
	socklen_t name_size = call.count > 3 ? sizeof(struct sockaddr_in6) : 0;
	if (senders.length < count * name_size) return invalid(env);
	struct batch *batch = new_batch(&call, 0, count);
	if (batch == NULL) return number(env, -ENOMEM);
	batch->spans = (int32_t *)lengths.data;
	batch->name_size = name_size;
	if (name_size > 0 && napi_create_reference(env, call.value[3], 1,
						   &batch->names_reference) != napi_ok) {
		free_batch(env, batch, NULL);
		return number(env, -ENOMEM);
	}
	for (size_t i = 0; i < count; i++) {
		batch->vectors[i].iov_base = slots.data + i * (size_t)size;
		batch->vectors[i].iov_len = (size_t)size;
		if (name_size > 0) batch->messages[i].msg_hdr.msg_name = senders.data + i * name_size;
	}
	return own(env, batch, free_batch, &RECEIVE_TAG);
}

/*
 * receiveMany(batch, fd): number of datagrams. Their lengths are in `lengths`; that of a datagram
 * which did not fit is negative, its slot holds the beginning.
 */
static napi_value receive_many(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct batch *batch = get_owned(&call, 0, &RECEIVE_TAG);
	int fd;
	if (batch == NULL || !get_int(&call, 1, &fd)) return invalid(env);
	/* The kernel has put the lengths of the last ones there. */
	for (unsigned int i = 0; i < batch->count; i++)
		batch->messages[i].msg_hdr.msg_namelen = batch->name_size;
	int received = recvmmsg(fd, batch->messages, batch->count, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < received; i++) {
		int32_t length = (int32_t)batch->messages[i].msg_len;
		bool cut = (batch->messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
		batch->spans[i] = cut ? -length : length;
	}
	return outcome(env, received);
}

/* sendBatch(data, spans, address?): spans are pairs of offset and length in `data` */
static napi_value send_batch(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct bytes data, spans, address = {NULL, 0};
	if (!get_bytes(&call, 0, &data) || !get_ints(&call, 1, &spans)) return invalid(env);
	if (call.count > 2 && !get_bytes(&call, 2, &address)) return invalid(env);
	size_t count = spans.length / (2 * sizeof(int32_t));
	if (count == 0 || count > BATCH_LIMIT || address.length > sizeof(struct sockaddr_storage))
		return invalid(env);
	struct batch *batch = new_batch(&call, 0, count);
	if (batch == NULL) return number(env, -ENOMEM);
	batch->data = data.data;
	batch->length = data.length;
	batch->spans = (int32_t *)spans.data;
	if (address.length > 0) memcpy(&batch->address, address.data, address.length);
	for (size_t i = 0; i < count && address.length > 0; i++) {
		batch->messages[i].msg_hdr.msg_name = &batch->address;
		batch->messages[i].msg_hdr.msg_namelen = (socklen_t)address.length;
	}
	return own(env, batch, free_batch, &SEND_TAG);
}

/* sendMany(batch, fd, count): number of datagrams sent, of the first `count` spans */
static napi_value send_many(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct batch *batch = get_owned(&call, 0, &SEND_TAG);
	int fd, count;
	if (batch == NULL || !get_int(&call, 1, &fd) || !get_int(&call, 2, &count)) return invalid(env);
	if (count < 0 || (unsigned int)count > batch->count) return invalid(env);
	for (int i = 0; i < count; i++) {
		int32_t offset = batch->spans[2 * i], length = batch->spans[2 * i + 1];
		if (offset < 0 || length < 0 || (size_t)offset + (size_t)length > batch->length)
			return invalid(env);
		batch->vectors[i].iov_base = batch->data + offset;
		batch->vectors[i].iov_len = (size_t)length;
	}
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	return outcome(env, sendmmsg(fd, batch->messages, (unsigned int)count, flags));
}

/* ---- waiting -------------------------------------------------------------------------------- */

#define POLL_LIMIT 1024

/*
 * poll(fds, found, count, timeout): blocks the thread until one of the first `count` descriptors is
 * readable or in error. Returns how many; `found` holds their events. Timeout in nanoseconds,
 * negative for none. Meant for threads without an event loop.
 */
static napi_value poll_many(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	struct pollfd set[POLL_LIMIT];
	struct bytes fds, found;
	double timeout;
	int count;
	if (!get_ints(&call, 0, &fds) || !get_ints(&call, 1, &found) || !get_int(&call, 2, &count) ||
	    !get_double(&call, 3, &timeout))
		return invalid(env);
	if (count < 0 || count > POLL_LIMIT || (size_t)count > fds.length / sizeof(int32_t) ||
	    (size_t)count > found.length / sizeof(int32_t))
		return invalid(env);
	for (int i = 0; i < count; i++) {
		set[i].fd = ((const int32_t *)fds.data)[i];
		set[i].events = POLLIN;
		set[i].revents = 0;
	}
	struct timespec span = {.tv_sec = (time_t)(timeout / 1e9), .tv_nsec = (long)fmod(timeout, 1e9)};
	int ready = ppoll(set, (nfds_t)count, timeout < 0 ? NULL : &span, NULL);
	for (int i = 0; i < count && ready >= 0; i++) ((int32_t *)found.data)[i] = set[i].revents;
	return outcome(env, ready);
}

static napi_value open_timer(napi_env env, napi_callback_info info)
{
	(void)info;
	return outcome(env, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
}

/* setTimer(fd, at): readable from `at` on, microseconds of CLOCK_MONOTONIC; 0 disarms */
static napi_value set_timer(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	double at;
	int fd;
	if (!get_int(&call, 0, &fd) || !get_double(&call, 1, &at) || at < 0) return invalid(env);
	struct itimerspec timer = {
		.it_value = {.tv_sec = (time_t)(at / 1e6), .tv_nsec = (long)(fmod(at, 1e6) * 1e3)},
	};
	return outcome(env, timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL));
}

static napi_value open_event(napi_env env, napi_callback_info info)
{
	(void)info;
	return outcome(env, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

/* signalEvent(fd): makes the eventfd readable */
static napi_value signal_event(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	int fd;
	if (!get_int(&call, 0, &fd)) return invalid(env);
	return outcome(env, eventfd_write(fd, 1));
}

/* drain(fd): empties an eventfd or a timerfd; how often it fired, 0 when it did not */
static napi_value drain(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	uint64_t fired = 0;
	int fd;
	if (!get_int(&call, 0, &fd)) return invalid(env);
	ssize_t length = read(fd, &fired, sizeof fired);
	if (length < 0 && errno != EAGAIN) return outcome(env, -1);
	return number(env, length < 0 ? 0 : (double)fired);
}

/* monotonic(): CLOCK_MONOTONIC in whole microseconds */
static napi_value monotonic(napi_env env, napi_callback_info info)
{
	struct timespec time;
	(void)info;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return number(env, (double)time.tv_sec * 1e6 + (double)(time.tv_nsec / 1000));
}

/* ---- scheduling ----------------------------------------------------------------------------- */

static napi_value thread_id(napi_env env, napi_callback_info info)
{
	(void)info;
	return outcome(env, syscall(SYS_gettid));
}

/* setPriority(tid, priority): SCHED_FIFO 1..99, or SCHED_OTHER for 0; tid 0 is the caller */
static napi_value set_priority(napi_env env, napi_callback_info info)
{
	struct call call = arguments(env, info);
	int thread;
	struct sched_param param = {0};
	if (!get_int(&call, 0, &thread) || !get_int(&call, 1, &param.sched_priority))
		return invalid(env);
	int policy = param.sched_priority > 0 ? SCHED_FIFO : SCHED_OTHER;
	return outcome(env, sched_setscheduler(thread, policy, &param));
}

/* ---- module --------------------------------------------------------------------------------- */

#define METHOD(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}

NAPI_MODULE_INIT()
{
	static const napi_property_descriptor methods[] = {
		METHOD("openSocket", open_socket),
		METHOD("bind", bind_socket),
		METHOD("connect", connect_socket),
		METHOD("socketName", socket_name),
		METHOD("setOption", set_option),
		METHOD("getOption", get_option),
		METHOD("attachFilter", attach_filter),
		METHOD("close", close_descriptor),
		METHOD("interfaceIndex", interface_index),
		METHOD("send", send_bytes),
		METHOD("receive", receive_bytes),
		METHOD("read", read_bytes),
		METHOD("readAt", read_at),
		METHOD("sendAside", send_aside),
		METHOD("receiveBatch", receive_batch),
		METHOD("receiveMany", receive_many),
		METHOD("sendBatch", send_batch),
		METHOD("sendMany", send_many),
		METHOD("poll", poll_many),
		METHOD("openTimer", open_timer),
		METHOD("setTimer", set_timer),
		METHOD("openEvent", open_event),
		METHOD("signalEvent", signal_event),
		METHOD("drain", drain),
		METHOD("monotonic", monotonic),
		METHOD("threadId", thread_id),
		METHOD("setPriority", set_priority),
		METHOD("watch", start_watch),
		METHOD("setWatch", set_watch),
		METHOD("stopWatch", stop_watch),
	};
	size_t count = sizeof methods / sizeof methods[0];
	return napi_define_properties(env, exports, count, methods) == napi_ok ? exports : NULL;
}
