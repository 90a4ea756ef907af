import csv
import pathlib
from collections import defaultdict


def main():
    totals = defaultdict(float)
    with open("data/events.csv", newline="") as f:
        events = {row["id"]: row for row in csv.DictReader(f)}
    for row in events.values():
        totals[row["day"]] += float(row["amount"])
    out = pathlib.Path("out")
    out.mkdir(exist_ok=True)
    lines = [f"{day},{total:.2f}" for day, total in sorted(totals.items())]
    (out / "daily.csv").write_text("\n".join(["day,total", *lines]) + "\n")


if __name__ == "__main__":
    main()
