"""Replays the log in order of arrival, one account after another, and asks a Fenwick tree over event times whenever a label is due."""

import bisect
import math

WINDOW = 7 * 86_400


class Tree:
    """Counts and sums by position, with the position of the k-th occupied slot."""

    def __init__(self, size):
        self.size, self.count, self.sum = size, [0] * (size + 1), [0.0] * (size + 1)
        self.top = 1 << size.bit_length()

    def add(self, i, count, amount):
        i += 1
        while i <= self.size:
            self.count[i] += count
            self.sum[i] += amount
            i += i & -i

    def prefix(self, i):
        count, total = 0, 0.0
        while i > 0:
            count += self.count[i]
            total += self.sum[i]
            i -= i & -i
        return count, total

    def kth(self, k):
        at, step = 0, self.top
        while step:
            if at + step <= self.size and self.count[at + step] < k:
                at += step
                k -= self.count[at]
            step >>= 1
        return at


def listed(column):
    return column.tolist() if hasattr(column, "tolist") else list(column)


def build(events, labels):
    rows, due = {}, {}
    names = ("ingest_time", "event_id", "version", "event_time", "amount")
    for account, *row in zip(listed(events["account"]), *(listed(events[n]) for n in names)):
        rows.setdefault(account, []).append(row)
    for i, (account, time) in enumerate(zip(listed(labels["account"]), listed(labels["time"]))):
        due.setdefault(account, []).append((time, i))
    n = len(labels["time"])
    out = {"count": [0.0] * n, "total": [0.0] * n, "last_amount": [math.nan] * n, "age": [math.nan] * n}
    for account, asked in due.items():
        replay(sorted(rows.get(account, []), key=lambda r: r[:3]), sorted(asked), out)
    return out


def replay(log, asked, out):
    slots = sorted({(event_time, event_id) for _, event_id, _, event_time, _ in log})
    place = {slot: i for i, slot in enumerate(slots)}
    tree, known, amounts = Tree(len(slots)), {}, {}
    at = 0
    for time, i in asked:
        while at < len(log) and log[at][0] <= time:
            _, event_id, version, event_time, amount = log[at]
            at += 1
            old = known.get(event_id)
            if old and old[0] >= version:
                continue
            if old and old[2] == old[2]:
                tree.add(place[old[1], event_id], -1, -old[2])
            if amount == amount:
                p = place[event_time, event_id]
                tree.add(p, 1, amount)
                amounts[p] = amount
            known[event_id] = (version, event_time, amount)
        high = bisect.bisect_right(slots, (time, math.inf))
        low = bisect.bisect_right(slots, (time - WINDOW, math.inf))
        (n_high, s_high), (n_low, s_low) = tree.prefix(high), tree.prefix(low)
        out["count"][i] = float(n_high - n_low)
        out["total"][i] = s_high - s_low
        if n_high:
            p = tree.kth(n_high)
            out["last_amount"][i] = amounts[p]
            out["age"][i] = float(time - slots[p][0])
