# SPDX-License-Identifier: Apache-2.0
"""A network of the run's own, and a relay that keeps the bytes that pass through it."""
import ctypes
import ctypes.util
import fcntl
import itertools
import os
import socket
import struct
import threading

from clock import until

NEW_USER, NEW_NET = 0x10000000, 0x40000000
isolated = False  # isolate() has succeeded


def isolate():
    """A network namespace in which every port is free; False where that is not allowed."""
    global isolated
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_USER | NEW_NET) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % gid)):
        try:
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
        except OSError:
            pass
    with socket.socket() as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, 0x8913, request))[1]
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", flags | 1))
    isolated = True
    return True


class BlackHole:
    """Listens with a full backlog and never accepts: what connects gets no answer, not even no."""
    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(3)]
        for filler in self.fillers:  # more than there is room for: the last ones are never answered
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())
        until("a full backlog", self.is_full)

    def is_full(self):
        """By the kernel: tcpi_unacked wait to be accepted, tcpi_sacked is how many may."""
        info = self.listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        waiting, most = struct.unpack_from("II", info, 24)
        return waiting > most

    def close(self):
        for filler in self.fillers:
            filler.close()
        self.listener.close()


class Relay:
    """Listens, connects to a target for each connection (to each of several in turn), copies both
    ways, keeps what was sent."""
    def __init__(self, target, port=0):
        targets = [target] if isinstance(target, str) else target
        self.targets = itertools.cycle(
            [(host, int(number)) for host, number in (t.rsplit(":", 1) for t in targets)])
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sent = []  # of each connection, what the client sent
        self.open = []  # connections: client, threads
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(next(self.targets))
            kept = bytearray()
            self.sent.append(kept)
            both = [threading.Thread(target=copy, args=args, daemon=True) for args in (
                (client, server, kept), (server, client, bytearray()))]
            self.open.append((client, both))
            for thread in both:
                thread.start()

    def slam(self):
        """Say to each client that nothing more comes, and reset its connection."""
        for client, threads in self.open:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            client.close()
        self.open = []

    def requests(self):
        """The HTTP/1.1 requests that have passed: method, path, headers, body."""
        found = []
        for data in list(self.sent):
            data = bytes(data)
            while b"\r\n\r\n" in data:
                head, data = data.split(b"\r\n\r\n", 1)
                lines = head.decode("latin-1").split("\r\n")
                method, path, version = lines[0].split(" ")
                headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
                size = int(dict((k.lower(), v) for k, v in headers).get("content-length", "0"))
                body, data = data[:size], data[size:]
                found.append((method, path, {k.lower(): v for k, v in headers}, body))
        return found

    def calls(self):
        """The headers of the HTTP/2 requests that have passed, a list of pairs each."""
        return [headers for data in list(self.sent) for headers in read_http2(bytes(data))]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # else a thread stays in accept(), and may take
        self.thread.join()                        # what comes to the next with this descriptor
        self.listener.close()


def copy(source, sink, keep):
    try:
        while True:
            data = source.recv(1 << 16)
            if not data:
                break
            keep += data
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Pair(ctypes.Structure):
    _fields_ = [("name", ctypes.POINTER(ctypes.c_char)), ("value", ctypes.POINTER(ctypes.c_char)),
                ("name_size", ctypes.c_size_t), ("value_size", ctypes.c_size_t),
                ("flags", ctypes.c_uint8)]


def read_http2(data):
    """Headers of each request of one client, by the HPACK reader of libnghttp2."""
    library = ctypes.CDLL(ctypes.util.find_library("nghttp2") or "libnghttp2.so.14")
    library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
    library.nghttp2_hd_inflate_hd2.argtypes = [ctypes.c_void_p, ctypes.POINTER(Pair),
                                               ctypes.POINTER(ctypes.c_int), ctypes.c_char_p,
                                               ctypes.c_size_t, ctypes.c_int]
    inflater, found = ctypes.c_void_p(), []
    library.nghttp2_hd_inflate_new(ctypes.byref(inflater))
    at = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    while at + 9 <= len(data):
        size, kind = int.from_bytes(data[at:at + 3], "big"), data[at + 3]
        block = data[at + 9:at + 9 + size]
        at += 9 + size
        if kind == 1 and len(block) == size:
            found.append(read_block(library, inflater, block))
    library.nghttp2_hd_inflate_del(inflater)
    return found


def read_block(library, inflater, block):
    headers, pair, flags = [], Pair(), ctypes.c_int()
    while True:
        used = library.nghttp2_hd_inflate_hd2(inflater, ctypes.byref(pair), ctypes.byref(flags),
                                              block, len(block), 1)
        if used < 0:
            raise ValueError("a block of headers cannot be read")
        block = block[used:]
        if flags.value & 2:
            headers.append((pair.name[:pair.name_size].decode(),
                            pair.value[:pair.value_size].decode()))
        if flags.value & 1:
            library.nghttp2_hd_inflate_end_headers(inflater)
            return headers
