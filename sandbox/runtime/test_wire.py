import json
import math
import socket
import struct
import sys
import threading
import unittest

import wire

try:
    import numpy as np
except ImportError:
    np = None


def through(value):
    parts = wire.encode(value)
    header = parts[1]
    return wire.decode(header, bytearray(b"".join(parts[2:])))


def frame(tree, body=b""):
    header = json.dumps(tree).encode()
    return wire.PREFIX.pack(wire.MAGIC, len(header), len(body)) + header + body


class Values(unittest.TestCase):
    def test_plain_values_come_back_as_they_were(self):
        for v in (None, True, False, 0, -1, 2**63, -(2**200), 1.5, 1.0, "", "é\n\0", b"", b"\0\xff" * 100, [], (), {}, [1, (2, [3])],
                  {"a": {1: (None,)}, (1, "x"): b"k"}):
            got = through(v)
            self.assertEqual(got, v)
            self.assertIs(type(got), type(v))

    def test_floats_that_are_no_numbers(self):
        self.assertTrue(math.isnan(through(math.nan)))
        self.assertEqual(through([math.inf, -math.inf]), [math.inf, -math.inf])
        self.assertEqual(math.copysign(1, through(-0.0)), -1)

    def test_subclasses_go_as_what_they_extend(self):
        class Str(str):
            def __eq__(self, other):
                return True

            __hash__ = str.__hash__

        class Yes(float):
            def __eq__(self, other):
                return True

        got = through([Str("a"), Yes(2), type("L", (list,), {})([1]), type("D", (dict,), {})(a=1), type("I", (int,), {})(3)])
        self.assertEqual([type(x) for x in got], [str, float, list, dict, int])

    def test_what_cannot_be_sent_says_so(self):
        deep = []
        for _ in range(100):
            deep = [deep]
        loop = []
        loop.append(loop)
        for v in (object(), lambda: 0, {1, 2}, deep, loop, [0] * 300_000, 10**500, 1j, type("X", (), {"__reduce__": lambda s: 1})()):
            with self.assertRaises(wire.WireError):
                wire.encode(v)

    @unittest.skipIf(np is None, "no numpy in this image")
    def test_arrays(self):
        for a in (np.arange(12.0).reshape(3, 4), np.array(3), np.empty((0, 5), "f4"), np.array([True, False]), np.array([1, 2], ">i4"),
                  np.arange(6).reshape(2, 3).T, np.array([math.nan, math.inf]), np.array([1 + 2j]), np.arange(20)[::3]):
            got = through(a)
            self.assertIs(type(got), np.ndarray)
            self.assertEqual(got.shape, a.shape)
            np.testing.assert_array_equal(got, a)
        self.assertEqual(through(np.float32(0.5)).shape, ())
        self.assertIs(through(np.bool_(True)), True)
        self.assertTrue(through([np.zeros(3), b"x", np.ones(2)])[2].flags.writeable)
        for bad in (np.array([object()]), np.array(["a"]), np.array([(1, 2)], "i4,i4"), np.array("2020", "M8[D]")):
            with self.assertRaises(wire.WireError):
                wire.encode(bad)

    @unittest.skipIf(np is None, "no numpy in this image")
    def test_array_subclasses_are_arrays(self):
        class Liar(np.ndarray):
            def __eq__(self, other):
                return True

        got = through(np.arange(3).view(Liar))
        self.assertIs(type(got), np.ndarray)
        self.assertIs(type(through(np.ma.masked_array([1, 2], [0, 1]))), np.ndarray)

    def test_tensors(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no torch in this image")
        np.testing.assert_array_equal(through(torch.ones(2, 3, requires_grad=True)), np.ones((2, 3), "f4"))
        self.assertEqual(through(torch.ones(2, dtype=torch.bfloat16)).dtype, np.float32)


class Frames(unittest.TestCase):
    BAD = [
        frame({"x": 1}), frame([1]), frame({"l": 1}), frame({"l": [], "t": []}), frame({"d": [[1]]}), frame({"d": [[{"l": []}, 1]]}),
        frame({"b": [0, 5]}, b"1234"), frame({"b": [-1, 1]}, b"1234"), frame({"b": [0, 1.0]}, b"1"), frame({"f": "1"}),
        frame({"a": ["|O", [1], 0, 8]}, bytes(8)), frame({"a": ["<f8", [2], 0, 8]}, bytes(8)), frame({"a": ["<f8", [-1], 0, 8]}, bytes(8)),
        frame({"a": ["<f8", [2**40, 2**40], 0, 8]}, bytes(8)), frame({"a": ["<f8", [1] * 20, 0, 8]}, bytes(8)),
        frame({"l": [{"b": [0, 4]}, {"b": [0, 4]}]}, bytes(4)), b"garbage!" * 4, struct.pack("<IIQ", wire.MAGIC, 2**31, 0),
        struct.pack("<IIQ", wire.MAGIC, 2, 2**62) + b"{}", wire.PREFIX.pack(wire.MAGIC, 3, 0) + b"NaN", wire.PREFIX.pack(wire.MAGIC, 5, 0) + b"1e999",
        wire.PREFIX.pack(wire.MAGIC, 5000, 0) + b"9" * 5000, wire.PREFIX.pack(wire.MAGIC, 100_000, 0) + b"[" * 100_000,
        frame(json.loads('{"l":[' * 80 + "1" + "]}" * 80)),
    ]

    def test_broken_frames_are_refused(self):
        for bad in self.BAD:
            a, b = socket.socketpair()
            with a, b:
                threading.Thread(target=a.sendall, args=(bad,), daemon=True).start()
                with self.assertRaises(wire.WireError, msg=bad[:60]):
                    wire.Channel(b).recv()

    def test_end_of_stream(self):
        a, b = socket.socketpair()
        a.close()
        with self.assertRaises(EOFError):
            wire.Channel(b).recv()
        b.close()
        a, b = socket.socketpair()
        a.sendall(frame({"l": []})[:-1])
        a.close()
        with self.assertRaises(EOFError):
            wire.Channel(b).recv()
        b.close()

    def test_large_messages_pass(self):
        a, b = socket.socketpair()
        big = {"x": bytes(5 << 20), "y": [b"z" * 100] * 10}
        t = threading.Thread(target=wire.Channel(a).send, args=(big,))
        t.start()
        self.assertEqual(wire.Channel(b).recv(), big)
        t.join()
        a.close(), b.close()

    def test_a_value_that_cannot_be_sent_sends_nothing(self):
        a, b = socket.socketpair()
        with self.assertRaises(wire.WireError):
            wire.Channel(a, max_body=10).send(b"x" * 11)
        with self.assertRaises(wire.WireError):
            wire.Channel(a).send([1, object()])
        wire.Channel(a).send("after")
        self.assertEqual(wire.Channel(b).recv(), "after")
        a.close(), b.close()


if __name__ == "__main__":
    sys.exit(unittest.main())
