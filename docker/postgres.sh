#!/usr/bin/env bash
# A private PostgreSQL for the tests: a fresh cluster in a temporary folder, on a free port of the loopback address, gone when
# the command given to it ends.
#
#   docker/postgres.sh COMMAND ...     runs COMMAND with ASSAY_TEST_POSTGRES set to the cluster's URL
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
dir=$(mktemp -d /tmp/assay-postgres.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
	chown postgres "$dir"
	as=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$dir")
fi

stop() {
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U assay --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
for _ in 1 2 3 4 5; do
	port=$((20000 + RANDOM % 20000))
	if "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/server.log" \
		-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=off -c max_connections=200" start >/dev/null 2>&1; then
		started=yes
		break
	fi
done
[ "${started:-}" = yes ] || { cat "$dir/server.log" >&2; exit 1; }
cd "$OLDPWD"
ASSAY_TEST_POSTGRES="postgres://assay@127.0.0.1:$port/postgres?sslmode=disable" "$@"
