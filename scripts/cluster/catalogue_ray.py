"""A catalogue in shards, under Ray: one actor a node runs the command, a few shards at a time.

    python catalogue_ray.py @list.txt --shards 70 -o zoo [--address auto]

All nodes see the same folders. A shard that fails, or whose node is lost, is tried again, and goes on where it stopped.
"""

import argparse
import os
import shlex
import subprocess
from collections import deque

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


@ray.remote(num_cpus=0, max_restarts=-1)
class Node:
    """Runs the command on its node; `max_concurrency` bounds how many at once."""

    def catalogue(self, command, sources, shard, shards, folder):
        args = ["--shard", f"{shard}/{shards}", "--record-errors", "--quiet", "-o", folder]
        ran = subprocess.run([*command, "catalogue", *sources, *args], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise RuntimeError(f"shard {shard}/{shards}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return shard


def nodes(at_once):
    """An actor on each node that is alive."""
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        where = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=True)
        count = at_once or max(1, int(node["Resources"].get("CPU", 1)))
        yield Node.options(scheduling_strategy=where, max_concurrency=count).remote(), count


def run(options):
    folder = lambda shard: os.path.join(options.parts, f"{shard}-of-{options.shards}")
    os.makedirs(options.parts, exist_ok=True)
    waiting = deque((shard, 1) for shard in range(1, options.shards + 1))
    free = deque(actor for actor, count in nodes(options.at_once) for _ in range(count))
    running = {}
    while waiting or running:
        # Back-pressure: no node has more shards than it works on.
        while waiting and free:
            (shard, attempt), actor = waiting.popleft(), free.popleft()
            task = actor.catalogue.remote(options.command, options.sources, shard, options.shards, folder(shard))
            running[task] = (shard, attempt, actor)
        done, _ = ray.wait(list(running), num_returns=1)
        for task in done:
            shard, attempt, actor = running.pop(task)
            free.append(actor)
            try:
                ray.get(task)
            except ray.exceptions.RayError as error:
                if attempt >= options.tries:
                    raise
                print(f"shard {shard} is tried again: {error}")
                waiting.append((shard, attempt + 1))
    folders = [folder(shard) for shard in range(1, options.shards + 1)]
    subprocess.run([*options.command, "catalogue", "merge", *folders, "--force", "--quiet", "-o", options.output], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", nargs="+")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--shards", type=int, default=7)
    parser.add_argument("--parts", help="folder of the shards' catalogues, seen by all nodes")
    parser.add_argument("--address", help="of the cluster; one is started on this machine where none is given")
    parser.add_argument("--at-once", type=int, help="shards at a time on each node; its cores unless given")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--command", type=shlex.split, default=shlex.split(os.environ.get("VGGTOOL", "vggtool")))
    options = parser.parse_args()
    options.output = os.path.abspath(options.output)
    options.parts = os.path.abspath(options.parts or f"{options.output}-parts")
    ray.init(address=options.address, include_dashboard=False if options.address is None else None, log_to_driver=False)
    run(options)


if __name__ == "__main__":
    main()
