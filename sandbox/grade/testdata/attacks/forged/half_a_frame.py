# Promises a gigabyte, sends a little, waits.
import os
import struct
import time

fd = int(os.environ.get("ASSAY_WIRE", "3"))


def softmax(x):
    for magic in (0x314D4C47,):
        os.write(fd, struct.pack("<IIQ", magic, 1 << 16, 1 << 30) + b"{" * 100)
    time.sleep(3600)


Mean = softmax
