#!/bin/sh
# Starts Yoke with the Node beside it (on a device) or the one npm installed (in a checkout).
# YOKE_NODE_FLAGS adds flags for Node itself. A takeover runs code that has hardly ever run before, so
# it is compiled at first use; and garbage is collected without waiting for unprivileged threads.
here=$(dirname "$(readlink -f "$0")")
node=$here/node
[ -x "$node" ] || node=$here/../node_modules/.bin/node
# shellcheck disable=SC2086 # the flags are words
exec "$node" --disable-warning=ExperimentalWarning --always-sparkplug --single-threaded-gc \
    ${YOKE_NODE_FLAGS:-} "$here/yoke.mjs" "$@"
