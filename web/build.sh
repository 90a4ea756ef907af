#!/usr/bin/env bash
# Bundles the front end into web/static/dist: scripts and their styles under hashed names, and the formula renderer that the server
# runs itself. Installs the npm packages by the lockfile when they are not there. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")"

stamp=node_modules/.package-lock.json
if [ ! -e "$stamp" ] || ! cmp -s package-lock.json node_modules/.assay-lock; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.assay-lock
fi

out=static/dist
if [ -e "$out/manifest.json" ] && [ -z "$(find src build.sh package-lock.json -newer "$out/manifest.json" -print -quit)" ]; then
  exit 0
fi

# esbuild writes beside what a running server may still hold open; old names go once the new ones are there.
old=$(find "$out" -type f ! -name .gitkeep)
[ -z "$old" ] || printf '%s\n' "$old" | xargs rm -f
go tool esbuild src/math.js --bundle --minify --format=iife --target=es2017 --outfile="$out/server/math.js" --legal-comments=inline --log-level=warning
go tool esbuild src/app.js src/workspace.js src/staff.js --bundle --minify --format=esm --target=es2022,chrome111,firefox113,safari16.4 \
  --entry-names='[name]-[hash]' --asset-names='[name]-[hash]' --loader:.woff2=file --outdir="$out" --metafile="$out/manifest.json" \
  --legal-comments=linked --log-level=warning
