#!/usr/bin/env bash
# Installs what a Debian machine lacks for building (cc) or testing (chromium, postgres) Assay. What is there is left alone and
# costs nothing. Never asks. Without root it says exactly what to install.
#
#   docker/deps.sh cc | chromium | postgres ...
set -euo pipefail

missing=()

need() { # need COMMAND-OR-FILE PACKAGE...
	local probe=$1
	shift
	command -v "$probe" >/dev/null 2>&1 || [ -e "$probe" ] || missing+=("$@")
}

for what in "$@"; do
	case $what in
	cc) need cc gcc libc6-dev ;;
	chromium)
		need chromium chromium
		need /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf fonts-noto-core
		need pdftoppm poppler-utils
		;;
	postgres)
		compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
		;;
	*)
		echo "deps.sh: unknown: $what" >&2
		exit 2
		;;
	esac
done

[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "Please install with your system's package manager what Debian calls: ${missing[*]}" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "Please run:  sudo apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "Installing ${missing[*]} …"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	echo "Could not install ${missing[*]}:" >&2
	tail -20 "$log" >&2
	exit 1
fi
rm -f "$log"
