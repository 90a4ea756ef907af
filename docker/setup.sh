#!/bin/sh
# Brings up what candidates' code runs in: a Docker engine, the base image, the sandbox images.
#
#   docker/setup.sh engine    a Docker engine that answers
#   docker/setup.sh base      the image debian:trixie-slim, pulled or, without a registry, made with debootstrap
#   docker/setup.sh images    assay/sandbox-{bare,numpy,full,judge}:dev
#   docker/setup.sh all       the three of them, in this order (the default)
#
# It can be run again at any time: what is already there is left alone, silently and fast. It never asks. Each long step prints
# a line when it starts, one while it goes on, and one with the time it took; the full output is in the log named there.
#
#   DOCKER_HOST             another engine than the machine's own; it must already answer
#   ASSAY_BASE_IMAGE        base image, debian:trixie-slim by default
#   ASSAY_DEBIAN_MIRROR     where debootstrap gets its packages; by default what this machine's own apt sources name
#   ASSAY_IMAGE_TAG         tag of the sandbox images, dev by default
#   ASSAY_REBUILD=1         build the images again from nothing, for security updates
#   ASSAY_SETUP_LOG         log file; /var/log/assay-setup.log as root, else in $TMPDIR
set -eu

here=$(cd "$(dirname "$0")" && pwd)
base=${ASSAY_BASE_IMAGE:-debian:trixie-slim}
tag=${ASSAY_IMAGE_TAG:-dev}
suite=trixie
if [ "$(id -u)" = 0 ] && [ -w /var/log ]; then
	log=${ASSAY_SETUP_LOG:-/var/log/assay-setup.log}
	daemon_log=/var/log/dockerd.log
else
	log=${ASSAY_SETUP_LOG:-${TMPDIR:-/tmp}/assay-setup-$(id -u).log}
	daemon_log=
fi

main() {
	case "${1:-all}" in
	engine) alone; engine ;;
	base) alone; engine; base ;;
	images | all) alone; engine; base; images ;;
	-h | --help | help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" ;;
	*) fail "unknown subcommand \"$1\": use engine, base, images or all" ;;
	esac
}

# --- engine -----------------------------------------------------------------------------------------------------------------

engine() {
	answers && return 0
	if [ -n "${DOCKER_HOST:-}" ]; then
		fail "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST. Start it, or unset DOCKER_HOST to use this machine's own."
	fi
	if [ "$(uname -s)" != Linux ]; then
		fail "no Docker engine answers. Grading needs an engine on Linux; start yours, or run this on a Linux machine."
	fi
	if command -v docker >/dev/null 2>&1 && docker version 2>&1 | grep -qi 'permission denied'; then
		fail "a Docker engine is there, but you may not use it. Run \"sudo usermod -aG docker $(id -un)\" and log in again, or use sudo."
	fi
	if [ "$(id -u)" != 0 ]; then
		fail "no Docker engine answers. Run \"sudo docker/setup.sh engine\", or install Docker Engine and start it."
	fi
	if ! command -v dockerd >/dev/null 2>&1; then
		if ! command -v apt-get >/dev/null 2>&1; then
			fail "no Docker engine is installed and this is not Debian or Ubuntu. Install Docker Engine 20.10 or newer and start it."
		fi
		install_engine
	fi
	start_engine
}

install_engine() {
	say "No Docker engine on this machine: installing docker.io and debootstrap from its own apt sources."
	if [ -z "$(apt-cache madison docker.io 2>/dev/null)" ]; then
		step "apt-get update" apt -q update
	fi
	packages="docker.io iptables ca-certificates debootstrap"
	# Newer releases ship the command line on its own.
	if [ -n "$(apt-cache madison docker-cli 2>/dev/null)" ]; then
		packages="$packages docker-cli"
	fi
	# shellcheck disable=SC2086
	step "Installing $packages" apt_install $packages
}

start_engine() {
	if [ -d /run/systemd/system ]; then
		step "Starting the Docker engine (systemd)" systemctl enable --now docker
		waits_for_engine || fail "dockerd was started but does not answer; see \"journalctl -u docker\"."
		return
	fi
	# The package's own start script may just have started one.
	if running_daemon && waits_for_engine; then
		return
	fi
	say "Starting dockerd without systemd; its log is $daemon_log."
	spawn_daemon
	if ! waits_for_engine && grep -Eqi 'iptables|network controller|bridge' "$daemon_log"; then
		# Sandboxes have no network, so the engine needs none either.
		say "dockerd cannot set up a bridge on this kernel; starting it without one (sandboxes never use it)."
		rm -f /var/run/docker.pid
		spawn_daemon --bridge=none --iptables=false --ip6tables=false
	fi
	waits_for_engine || fail "dockerd was started but does not answer; the end of $daemon_log:
$(tail -n 5 "$daemon_log")"
}

spawn_daemon() {
	# 9 is our lock, which must not live as long as the daemon.
	setsid dockerd "$@" >>"$daemon_log" 2>&1 </dev/null 9>&- &
	daemon_pid=$!
}

running_daemon() {
	daemon_pid=$(cat /var/run/docker.pid 2>/dev/null) && [ -n "$daemon_pid" ] && kill -0 "$daemon_pid" 2>/dev/null
}

waits_for_engine() {
	n=0
	while [ $n -lt 120 ]; do
		answers && return 0
		kill -0 "${daemon_pid:-$$}" 2>/dev/null || return 1
		sleep 0.5
		n=$((n + 1))
	done
	return 1
}

answers() {
	command -v docker >/dev/null 2>&1 && docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# --- base image -------------------------------------------------------------------------------------------------------------

base() {
	docker image inspect "$base" >/dev/null 2>&1 && return 0
	if quietly docker pull "$base"; then
		say "Pulled $base."
		return 0
	fi
	if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then
		fail "$base cannot be pulled (see $log). Reach a registry, or run \"sudo docker/setup.sh base\" on Debian or Ubuntu to build it with debootstrap."
	fi
	say "$base cannot be pulled here: building it from Debian packages."
	if ! command -v debootstrap >/dev/null 2>&1 || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
		step "Installing debootstrap" apt_install debootstrap debian-archive-keyring
	fi
	root=$(mktemp -d "${TMPDIR:-/var/tmp}/assay-base.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	mirror=${ASSAY_DEBIAN_MIRROR:-$(apt_uri /debian)}
	script=
	if [ ! -e "/usr/share/debootstrap/scripts/$suite" ]; then
		script=/usr/share/debootstrap/scripts/sid # older debootstrap; every release since is bootstrapped the same way
	fi
	export http_proxy="$(apt_proxy)"
	[ -n "$http_proxy" ] || unset http_proxy
	# shellcheck disable=SC2086
	step "debootstrap $suite" debootstrap --variant=minbase --keyring="$(keyring)" "$suite" "$root" $mirror $script
	write_sources "$root" "${mirror:-$(sed -n 's/^deb \([^ ]*\).*/\1/p' "$root/etc/apt/sources.list" | head -n 1)}"
	slim "$root"
	step "Importing $base" import_base "$root"
	rm -rf "$root"
	trap - EXIT
}

# write_sources ROOT MIRROR: the image uses the mirrors that this machine uses, security updates included where it has them.
write_sources() {
	rm -f "$1/etc/apt/sources.list"
	{
		printf 'Types: deb\nURIs: %s\nSuites: %s %s-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$2" "$suite" "$suite"
		security=$(apt_uri /debian-security)
		if [ -n "$security" ]; then
			printf '\nTypes: deb\nURIs: %s\nSuites: %s-security\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$security" "$suite"
		fi
	} >"$1/etc/apt/sources.list.d/debian.sources"
}

# slim ROOT: no documentation, manuals or translations, now and in later installs.
slim() {
	cat >"$1/etc/dpkg/dpkg.cfg.d/slim" <<-'END'
		path-exclude /usr/share/doc/*
		path-include /usr/share/doc/*/copyright
		path-exclude /usr/share/info/*
		path-exclude /usr/share/lintian/*
		path-exclude /usr/share/locale/*
		path-exclude /usr/share/man/*
		force-unsafe-io
	END
	rm -rf "$1"/usr/share/info/* "$1"/usr/share/lintian/* "$1"/usr/share/locale/* "$1"/usr/share/man/* \
		"$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*.log
	find "$1/usr/share/doc" -type f ! -name copyright -delete
}

import_base() {
	tar -C "$1" --numeric-owner --one-file-system -c . | docker import -c 'CMD ["bash"]' - "$base"
}

# apt_uri SUFFIX: the first package archive in this machine's apt sources whose path ends so; empty when there is none.
apt_uri() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
		sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' |
		awk '{print $1}' | sed 's,/*$,,' | grep "$1\$" | head -n 1 || true
}

apt_proxy() {
	if [ -n "${http_proxy:-}" ]; then
		printf '%s' "$http_proxy"
	elif command -v apt-config >/dev/null 2>&1; then
		apt-config dump Acquire::http::Proxy 2>/dev/null | sed -n 's/^Acquire::http::Proxy "\(.*\)";$/\1/p'
	fi
}

# keyring names a keyring that holds the key of the suite.
keyring() {
	for k in "/usr/share/keyrings/debian-archive-keyring.gpg" "/usr/share/keyrings/debian-archive-$suite-stable.gpg"; do
		[ -e "$k" ] && printf '%s' "$k" && return
	done
}

# --- sandbox images ---------------------------------------------------------------------------------------------------------

images() {
	source=$(cd "$here/sandbox" && cat Dockerfile | sum_of)
	for target in bare numpy full judge; do
		image=assay/sandbox-$target:$tag
		have=$(docker image inspect -f '{{index .Config.Labels "assay.source"}}' "$image" 2>/dev/null || true)
		if [ "$have" = "$source" ] && [ -z "${ASSAY_REBUILD:-}" ]; then
			continue
		fi
		step "Building $image" build "$target" "$image" "$source"
	done
}

build() {
	fresh=
	if [ -n "${ASSAY_REBUILD:-}" ] && [ "$1" = bare ]; then
		fresh=--no-cache
	fi
	proxy=$(apt_proxy)
	# Without the buildx plugin only the classic builder is there; the Dockerfile suits both.
	if ! docker buildx version >/dev/null 2>&1; then
		export DOCKER_BUILDKIT=0
	fi
	docker build --network host $fresh --build-arg "BASE=$base" ${proxy:+--build-arg "http_proxy=$proxy"} \
		--label "assay.source=$3" --target "$1" -t "$2" "$here/sandbox"
}

sum_of() {
	if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

# --- telling --------------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*" >&2; }

fail() {
	say "docker/setup.sh: $*"
	exit 1
}

quietly() {
	printf '\n== %s  %s\n' "$(date -u +%H:%M:%S)" "$*" >>"$log"
	"$@" >>"$log" 2>&1
}

# step WORDS COMMAND…: runs the command into the log, says that it goes on, how long it took, and on failure why.
step() {
	what=$1
	shift
	say "$what … (log: $log)"
	printf '\n== %s  %s\n' "$(date -u +%H:%M:%S)" "$*" >>"$log"
	began=$(date +%s)
	"$@" >>"$log" 2>&1 &
	child=$!
	ticks=0
	while kill -0 $child 2>/dev/null; do
		sleep 0.2
		ticks=$((ticks + 1))
		if [ $((ticks % 100)) = 0 ]; then
			say "  … $(($(date +%s) - began)) s: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)"
		fi
	done
	if wait $child; then
		say "$what: done in $(($(date +%s) - began)) s."
	else
		say "$(tail -n 15 "$log")"
		fail "$what failed; the whole output is in $log."
	fi
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@"; }
apt_install() { apt -q install -y --no-install-recommends "$@"; }

# alone waits for another run of this script on this machine.
alone() {
	if [ -z "${ASSAY_SETUP_LOCKED:-}" ] && command -v flock >/dev/null 2>&1; then
		exec 9>"${TMPDIR:-/tmp}/assay-setup-$(id -u).lock"
		flock -n 9 || { say "Another docker/setup.sh is at work; waiting for it."; flock 9; }
	fi
}

main "$@"
