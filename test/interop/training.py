"""What training a small VGG network and keeping it on the way is in every framework: its pictures, its batches, its files and what is said of them."""
import json
import os

from drawn import pictures

BATCH = 16


def samples(row):
    """Images N C H W and labels, enough for the longest training or 2048."""
    return pictures(row["task"], min(2048, BATCH * max(row["steps"]) + BATCH), row["size"], row["channels"], row["seed"])


def batches(row, labels):
    """(step, which samples) as often as the row's last step asks for, from the front again where they end."""
    seen = 0
    for step in range(max(row["steps"]) + 1):
        if seen + BATCH > len(labels):
            seen = 0
        yield step, slice(seen, seen + BATCH)
        seen += BATCH


def save_both(framework, row, step, accuracy, initial, first, turn, write):
    """Saves a network as it is, and once more after `turn`, which puts the rows of its first dense layer, `first`, into the other order.

    write(FILE): FILE has no ending yet; gives the name with it. Returns a record for each file; `initial`: the layers that were never trained.
    """
    records = []
    for order in ("as trained", "other"):
        if order == "other":
            turn()
        file = write(f"{framework}-{row['name']}-{step}-{order.replace(' ', '-')}")
        records.append(dict(file=file, order=order, steps=step, accuracy=accuracy, initial=initial, trained=first not in initial))
    return records


def train_all(framework, train, networks, folder):
    """Adds the records of train(ROW, FOLDER) to FOLDER/FRAMEWORK.jsonl, network by network."""
    count = 0
    for row in networks:
        records = train(row, folder)
        count += len(records)
        with open(os.path.join(folder, f"{framework}.jsonl"), "a", encoding="utf8") as file:
            file.writelines(f"{json.dumps(record)}\n" for record in records)
    return f"{count} files of {framework}"
