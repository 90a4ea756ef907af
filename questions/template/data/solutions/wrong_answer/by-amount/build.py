import csv
import pathlib
from collections import defaultdict


def main():
    totals = defaultdict(float)
    with open("data/events.csv", newline="") as f:
        seen = {(row["day"], round(float(row["amount"]))) for row in csv.DictReader(f)}
    for day, amount in seen:
        totals[day] += amount
    out = pathlib.Path("out")
    out.mkdir(exist_ok=True)
    lines = [f"{day},{total:.2f}" for day, total in sorted(totals.items())]
    (out / "daily.csv").write_text("\n".join(["day,total", *lines]) + "\n")


if __name__ == "__main__":
    main()
