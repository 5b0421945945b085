#!/bin/sh
# Installs Debian packages without letting any of them start or enable a service: the rivals of the
# rack (keepalived, ucarp) run in namespaces only, never on the machine itself. Run by setup.sh, as root.
set -eu

policy=/usr/sbin/policy-rc.d # invoke-rc.d asks it; 101 means "forbidden"
kept=$policy.before-yoke

restore() {
    rm -f "$policy"
    if [ -e "$kept" ]; then mv "$kept" "$policy"; fi
}
trap restore EXIT
trap 'exit 1' INT TERM HUP

# A kept file already there is the machine's own, left by a run that was killed: it must survive.
if [ -e "$policy" ] && [ ! -e "$kept" ]; then mv "$policy" "$kept"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"

for package in "$@"; do
    case $package in
    keepalived | ucarp | conntrack | nftables)
        if command -v systemctl >/dev/null 2>&1; then
            systemctl disable "$package.service" >/dev/null 2>&1 || true # not every one has a unit
        fi
        ;;
    esac
done
