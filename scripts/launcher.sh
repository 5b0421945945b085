#!/bin/sh
# Starts Yoke with the Node beside it (on a device) or the one npm installed (in a checkout).
# YOKE_NODE_FLAGS adds flags for Node itself.
here=$(dirname "$(readlink -f "$0")")
node=$here/node
[ -x "$node" ] || node=$here/../node_modules/.bin/node
flags=--disable-warning=ExperimentalWarning
# The election's thread must not wait for threads that other programs can starve: it compiles and
# collects garbage by itself. A takeover runs code that has hardly ever run before: that is compiled
# at first use, and by the quick compiler only.
[ "${1:-}" = run ] && flags="$flags --single-threaded --always-sparkplug --max-opt=1"
# shellcheck disable=SC2086 # the flags are words
exec "$node" $flags ${YOKE_NODE_FLAGS:-} "$here/yoke.mjs" "$@"
