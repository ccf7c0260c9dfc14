#!/usr/bin/env bash
# What action.yml runs: SOURCE has the files, one a line, with patterns; SARIF says where the findings go. Fails where there are any.
# The command is built here, where it is not yet: a run brings nothing but what the lock names.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
if [ ! -f "$here/dist/cli/vggtool.cjs" ]; then
  (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund >&2 && npm run --silent build >&2)
fi

shopt -s nullglob globstar
# Names may have spaces: patterns are taken apart, words are not.
IFS=
files=()
while read -r pattern; do
  for file in $pattern; do files+=(--source "$file"); done
done <<< "$SOURCE"
[ ${#files[@]} -gt 0 ] || { echo "no file is named by: $SOURCE" >&2; exit 2; }

code=0
node "$here/bin/vggtool" inspect "${files[@]}" --sarif --fail-on error > "$SARIF" || code=$?
# Said for people too; 2 is "nothing can be said of this code", which is no fault of it.
node "$here/bin/vggtool" inspect "${files[@]}" || true
[ "$code" -eq 2 ] && exit 0
exit "$code"
