# SPDX-License-Identifier: Apache-2.0
"""Servers that steer samplers, over HTTP with JSON and over gRPC."""
import http.server
import json
import socket
import threading

import network
from clock import PATIENCE


class Strategies(http.server.ThreadingHTTPServer):
    """A server of sampling strategies: answer is what it says, or the status it says instead."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer, self.asked, self.bodies = 503, [], []
        self.answers = threading.Event()  # else questions wait
        self.answers.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say(self.server.answer)

    def do_POST(self):
        """A question with a body: answer is what each path is answered."""
        body, answer = self.rfile.read(int(self.headers["Content-Length"])), self.server.answer
        self.server.bodies.append((self.path, json.loads(body)))
        self.say(answer if isinstance(answer, int) else answer[self.path])

    def say(self, answer):
        self.server.answers.wait(PATIENCE)
        body = b"" if isinstance(answer, int) else json.dumps(answer).encode()
        self.send_response(answer if isinstance(answer, int) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return  # the row is over
        self.server.asked.append(self.path)  # answered

    def log_message(self, *_):
        pass


def xray_rule(name, priority, rate, **more):
    rule = {"RuleName": name, "Priority": priority, "FixedRate": rate, "ReservoirSize": 0,
            "Version": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
            "URLPath": "*", "ResourceARN": "*", "Attributes": {}}
    return {"SamplingRule": dict(rule, **more)}


DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
ACK = END_STREAM = 1
END_HEADERS = 4
PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") +
            payload)


def literal(name, value):
    """A header that no table remembers."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


class GrpcStrategies:
    """A server of sampling strategies over gRPC: answer is the message, or the status it says
    instead; asked are the messages that were answered."""
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server_address = self.listener.getsockname()
        self.answer, self.asked, self.sent, self.clients = 14, [], [], []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            self.sent.append(bytearray())
            threading.Thread(target=self.serve, args=(client, self.sent[-1]), daemon=True).start()

    def serve(self, client, sent):
        try:
            client.sendall(frame(SETTINGS, 0, 0))
            messages, at = {}, PREFACE
            while True:
                got = client.recv(1 << 16)
                if not got:
                    return
                sent += got
                while len(sent) >= at + 9 and len(sent) >= at + 9 + self.size_at(sent, at):
                    size = self.size_at(sent, at)
                    self.take(client, messages, bytes(sent[at:at + 9]),
                              bytes(sent[at + 9:at + 9 + size]))
                    at += 9 + size
        except OSError:
            return  # the row is over, or the client

    @staticmethod
    def size_at(sent, at):
        return int.from_bytes(sent[at:at + 3], "big")

    def take(self, client, messages, head, payload):
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
        if kind in (SETTINGS, PING) and not flags & ACK:
            client.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        if kind == DATA:
            messages[stream] = messages.get(stream, b"") + payload
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            client.sendall(self.reply(stream, self.answer))
            self.asked.append(messages.pop(stream, b"")[5:])  # answered

    @staticmethod
    def reply(stream, answer):
        status = answer if isinstance(answer, int) else 0
        head = b"\x88" + literal(b"content-type", b"application/grpc")
        end = literal(b"grpc-status", b"%d" % status)
        if status:
            return frame(HEADERS, END_HEADERS | END_STREAM, stream, head + end)
        return (frame(HEADERS, END_HEADERS, stream, head) +
                frame(DATA, 0, stream, b"\0" + len(answer).to_bytes(4, "big") + answer) +
                frame(HEADERS, END_HEADERS | END_STREAM, stream, end))

    def calls(self):
        """The headers of the requests, a list of pairs each."""
        return [headers for data in list(self.sent)
                for headers in network.read_http2(bytes(data))]

    def close(self):
        """Each is told before it is closed, so that no thread waits at a descriptor of others."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for client in self.clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is gone
            client.close()
