#!/bin/sh
# Runs a command as root: directly, else through sudo, else says in one line what is lacking.
# Network namespaces, raw sockets and real-time scheduling are not to be had otherwise.
set -eu
if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
if command -v sudo >/dev/null 2>&1; then
    exec sudo env "PATH=$PATH:/usr/sbin:/sbin" ${TOTAL_FILE:+"TOTAL_FILE=$TOTAL_FILE"} "$@"
fi
echo "yoke: '$*' needs root: become root or install sudo, then try again" >&2
exit 1
