"""Messages between a judge, the engine and a candidate's process. No pickle, no eval, nothing that runs on arrival.

frame   := u32 magic | u32 header_len | u64 body_len | header | body      (little-endian)
header  := JSON of one tree; a message is a dict
tree    := null | true | false | integer | finite float | string
         | {"f": "nan"|"inf"|"-inf"} | {"b": [offset, size]} | {"l": [tree…]} | {"t": [tree…]} | {"d": [[tree, tree]…]}
         | {"a": [dtype, shape, offset, size]}

Bytes and arrays lie in the body one after the other in the order of the tree, each at the next multiple of 64. What arrives is of
the plain types None bool int float str bytes list tuple dict ndarray, whatever was sent: no subclass survives. Arrays are numeric or
bool; those received are writable and share one buffer with their message.

The engine reads, checks and writes anew every frame that passes it; the checks here are the second line.
"""

import json
import math
import os
import socket
import struct
import sys

MAGIC = 0x57595341  # "ASYW"
PREFIX = struct.Struct("<IIQ")
MAX_HEADER = 4 << 20
MAX_BODY = 256 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DIMS = 16
MAX_INT_DIGITS = 400
DTYPES = frozenset("|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f2 <f4 <f8 <c8 <c16".split())


class WireError(Exception):
    """A value that cannot be sent, or a frame that breaks the rules."""


def encode(value, max_header=MAX_HEADER, max_body=MAX_BODY):
    """The frame of value, as a list of buffers."""
    state = _Encoder()
    tree = state.node(value, 0)
    header = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(header) > max_header:
        raise WireError("the message has %d bytes of structure; at most %d can be sent (use arrays for many numbers)" % (len(header), max_header))
    if state.size > max_body:
        raise WireError("the message has %d bytes of data; at most %d can be sent" % (state.size, max_body))
    return [PREFIX.pack(MAGIC, len(header), state.size), header, *state.parts]


class _Encoder:
    def __init__(self):
        self.parts, self.size, self.nodes = [], 0, 0

    def node(self, v, depth):
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise WireError("the value is nested deeper than %d levels" % MAX_DEPTH)
        if self.nodes > MAX_NODES:
            raise WireError("the value has more than %d parts; use arrays for many numbers" % MAX_NODES)
        t = type(v)
        if v is None or t is bool:
            return v
        if t is int:
            if v.bit_length() > 1328:
                raise WireError("an integer has more than %d digits" % MAX_INT_DIGITS)
            return v
        if t is str:
            return v
        if t is float:
            return v if math.isfinite(v) else {"f": "nan" if v != v else "inf" if v > 0 else "-inf"}
        if t is list:
            return {"l": [self.node(x, depth + 1) for x in v]}
        if t is tuple:
            return {"t": [self.node(x, depth + 1) for x in v]}
        if t is dict:
            return {"d": [[self.node(k, depth + 1), self.node(x, depth + 1)] for k, x in v.items()]}
        if t in (bytes, bytearray, memoryview):
            return {"b": self.buffer(memoryview(v).cast("B"))}
        return self.other(v, depth)

    def other(self, v, depth):
        np = sys.modules.get("numpy")
        if np is not None:
            if isinstance(v, np.bool_):
                return bool(v)
            if isinstance(v, (np.ndarray, np.generic)):
                return self.array(np, v)
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(v, torch.Tensor):
            v = v.detach().cpu()
            if v.dtype == torch.bfloat16:
                v = v.float()
            return self.array(sys.modules.get("numpy") or __import__("numpy"), v.numpy())
        # A subclass of a plain type goes as the plain type; anything else does not go at all.
        for plain in (bool, int, float, str, bytes):
            if isinstance(v, plain):
                return self.node(getattr(plain, "__new__")(plain, v) if plain is not bytes else bytes(v), depth)
        if isinstance(v, tuple):
            return self.node(tuple.__getitem__(v, slice(None)) if type(v) is tuple else tuple(tuple.__iter__(v)), depth)
        if isinstance(v, list):
            return self.node(list(list.__iter__(v)), depth)
        if isinstance(v, dict):
            return self.node(dict(dict.items(v)), depth)
        raise WireError("a value of type %s cannot be sent; use None, bool, int, float, str, bytes, list, tuple, dict or a numeric array" % type(v).__name__)

    def array(self, np, v):
        a = np.asarray(v)
        if type(a) is not np.ndarray:
            a = a.view(np.ndarray)
        if a.dtype.str not in DTYPES and a.dtype.kind in "iufc":
            a = a.astype(a.dtype.newbyteorder("<"))
        if a.dtype.str not in DTYPES:
            raise WireError("an array of dtype %s cannot be sent; use a numeric or bool dtype" % a.dtype)
        if a.ndim > MAX_DIMS:
            raise WireError("an array has %d dimensions; at most %d can be sent" % (a.ndim, MAX_DIMS))
        shape = list(a.shape)
        data = memoryview(np.ascontiguousarray(a).reshape(-1).view(np.uint8)) if a.size else memoryview(b"")
        return {"a": [a.dtype.str, shape, *self.buffer(data)]}

    def buffer(self, data):
        pad = -self.size % 64
        if pad and data.nbytes:
            self.parts.append(bytes(pad))
            self.size += pad
        offset = self.size
        if data.nbytes:
            self.parts.append(data)
            self.size += data.nbytes
        return [offset, data.nbytes]


def decode(header, body):
    """The value of a frame."""
    try:
        tree = json.loads(bytes(header), parse_constant=_refuse, parse_int=_parse_int)
    except (ValueError, RecursionError) as e:
        raise WireError("the header is not JSON: %s" % e) from None
    return _Decoder(body).node(tree, 0)


def _refuse(word):
    raise WireError("%s stands bare in a header" % word)


def _parse_int(digits):
    if len(digits) > MAX_INT_DIGITS + 1:
        raise WireError("an integer has more than %d digits" % MAX_INT_DIGITS)
    return int(digits)


class _Decoder:
    def __init__(self, body):
        self.body, self.end, self.nodes = memoryview(body), 0, 0

    def node(self, v, depth):
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise WireError("the message is nested too deep or has too many parts")
        if v is None or type(v) in (bool, int, str):
            return v
        if type(v) is float:
            if not math.isfinite(v):
                raise WireError("a float is out of range")
            return v
        if type(v) is not dict or len(v) != 1:
            raise WireError("a part is no known node")
        (kind, x), = v.items()
        if kind == "f" and x in ("nan", "inf", "-inf"):
            return float(x)
        if type(x) is list:
            if kind == "l":
                return [self.node(y, depth + 1) for y in x]
            if kind == "t":
                return tuple(self.node(y, depth + 1) for y in x)
            if kind == "d":
                return self.dict(x, depth)
            if kind == "b" and len(x) == 2:
                return bytes(self.extent(*x))
            if kind == "a" and len(x) == 4:
                return self.array(*x)
        raise WireError("a part is no known node")

    def dict(self, pairs, depth):
        out = {}
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise WireError("a dict is not made of pairs")
            try:
                out[self.node(pair[0], depth + 1)] = self.node(pair[1], depth + 1)
            except TypeError:
                raise WireError("a dict has a key that cannot be one") from None
        return out

    def array(self, dtype, shape, offset, size):
        if type(dtype) is not str or dtype not in DTYPES or type(shape) is not list or len(shape) > MAX_DIMS:
            raise WireError("an array has an unknown dtype or shape")
        count, item = 1, int(dtype[2:])
        for s in shape:
            if type(s) is not int or s < 0 or s > MAX_BODY:
                raise WireError("an array has an impossible shape")
            count *= s
        data = self.extent(offset, size)
        if count * item != size:
            raise WireError("an array's shape does not fit its data")
        try:
            import numpy as np
        except ImportError:
            raise WireError("an array came, and there is no numpy here to hold it") from None
        if dtype == "|b1":
            return np.frombuffer(data, np.uint8, count).astype(bool).reshape(shape)  # a byte of 7 is no bool
        if not count:
            return np.empty(shape, dtype)
        return np.frombuffer(data, dtype, count).reshape(shape)

    def extent(self, offset, size):
        if type(offset) is not int or type(size) is not int or offset < self.end or size < 0 or offset + size > len(self.body):
            raise WireError("a part lies outside of its message")
        self.end = offset + size
        return self.body[offset:offset + size]


class Channel:
    """One end of a wire. Not for several threads at once."""

    def __init__(self, sock, max_header=MAX_HEADER, max_body=MAX_BODY):
        self.sock, self.max_header, self.max_body = sock, max_header, max_body

    @classmethod
    def from_env(cls):
        """The channel whose number the engine left in $ASSAY_WIRE."""
        number = os.environ.get("ASSAY_WIRE")
        if not number:
            raise WireError("there is no wire: ASSAY_WIRE is not set")
        fd = int(number)
        os.set_inheritable(fd, False)
        return cls(socket.socket(fileno=fd))

    def send(self, message):
        """Sends a value. A value that cannot be sent raises WireError and leaves the channel as it was."""
        parts = encode(message, self.max_header, self.max_body)
        if sum(len(p) for p in parts) < 1 << 16:
            self.sock.sendall(b"".join(parts))
            return
        for p in parts:
            self.sock.sendall(p)

    def recv(self):
        """The next value. EOFError when the other side has closed; WireError when it breaks the rules."""
        prefix = self._exactly(PREFIX.size, True)
        magic, header_len, body_len = PREFIX.unpack(prefix)
        if magic != MAGIC or header_len > self.max_header or body_len > self.max_body:
            raise WireError("what arrived is no frame")
        header = self._exactly(header_len)
        return decode(header, self._exactly(body_len))

    def close(self):
        self.sock.close()

    def _exactly(self, n, first=False):
        data = bytearray(n)
        view, got = memoryview(data), 0
        while got < n:
            k = self.sock.recv_into(view[got:])
            if not k:
                if first and not got:
                    raise EOFError("the other side closed the wire")
                raise EOFError("the other side closed the wire in the middle of a frame")
            got += k
        return data


connect = Channel.from_env
