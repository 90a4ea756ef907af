# Promises a megabyte, sends a little, waits.
import os
import struct
import time

fd = int(os.environ.get("ASSAY_WIRE", "3"))


def softmax(x):
    os.write(fd, struct.pack("<IIQ", 0x57595341, 1 << 16, 1 << 20) + b"{" * 100)
    time.sleep(3600)


Mean = softmax
