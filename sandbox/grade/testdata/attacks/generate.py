"""python3 generate.py SEED OUT: hidden data with a canary in it."""
import pathlib
import sys


def generate(seed, out):
    out = pathlib.Path(out)
    (out / "public").mkdir(parents=True, exist_ok=True)
    (out / "hidden").mkdir(parents=True, exist_ok=True)
    (out / "hidden" / "truth.txt").write_text("canary-hidden-%d\n" % int(seed))


if __name__ == "__main__":
    generate(sys.argv[1], sys.argv[2])
