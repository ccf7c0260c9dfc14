#!/bin/sh
# A catalogue in shards, under GNU parallel:
#
#     ./parallel.sh SHARDS OUTPUT SOURCE…
#
# On several machines: PARALLEL="--sshloginfile hosts.txt --workdir $PWD" ./parallel.sh … (all of them see the same folders).
set -eu
shards=$1 output=$2
shift 2
vggtool=${VGGTOOL:-vggtool}
parts=${PARTS:-$output-parts}
mkdir -p "$parts"
# The third attempt is the last; each goes on where the one before it stopped.
seq "$shards" | parallel --quote --retries 3 --halt soon,fail=1 $vggtool catalogue "$@" --shard "{}/$shards" --record-errors --quiet -o "$parts/{}-of-$shards"
seq "$shards" | sed "s|.*|$parts/&-of-$shards|" | tr '\n' '\0' | xargs -0 sh -c 'out=$1; tool=$2; shift 2; exec $tool catalogue merge "$@" --force --quiet -o "$out"' sh "$output" "$vggtool"
