// What the rack's probes have in common: the monotonic clock in microseconds, a modest real-time
// priority (a probe that is scheduled late would report an outage nobody had), and commands that
// arrive as lines on standard input. End of input ends the probe, so none outlives its rack.
#pragma once
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

// Priority 10 of 99: above ordinary work, below any election thread. Refused without privileges;
// the probe then says so in its "ready" line instead of pretending.
static inline int ask_for_realtime(void) {
  struct sched_param param = {.sched_priority = 10};
  return sched_setscheduler(0, SCHED_FIFO, &param) == 0;
}

static inline void say_ready_as(int realtime) {
  printf("{\"event\":\"ready\",\"t\":%lld,\"realtime\":%s}\n", (long long)monotonic_us(),
         realtime ? "true" : "false");
  fflush(stdout);
}

static inline void say_ready(void) { say_ready_as(ask_for_realtime()); }

// Reads what is waiting on standard input and calls `run` with each whole line. Exits at its end.
static inline void read_commands(void (*run)(const char *line)) {
  static char pending[256];
  static size_t length;
  ssize_t got = read(0, pending + length, sizeof pending - 1 - length);
  if (got <= 0) exit(0);
  length += (size_t)got;
  pending[length] = 0;
  char *start = pending, *end;
  while ((end = strchr(start, '\n'))) {
    *end = 0;
    run(start);
    start = end + 1;
  }
  length = strlen(start);
  memmove(pending, start, length + 1);
}
