# SPDX-License-Identifier: Apache-2.0
"""What was sent, read from the tap of collector-mock by a decoder of its own.

Knows the numbers of the fields from the .proto files of OTLP and nothing of the SDK or of
collector-mock but the tap's layout (collector-mock/wire/tap.h).
"""
import struct


def fields(data):
    """(number, wire type, value) of each field of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError("a field is cut off")
        else:
            raise ValueError("wire type %d" % kind)
        if number == 0 or at > len(data):
            raise ValueError("no message")
        yield number, kind, value


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a varint is too long")


def text(data):
    return bytes(data).decode("utf-8")  # strict: ill-formed text is an error of the SDK


class Empty:
    """The value that holds nothing."""
    def __eq__(self, other):
        return isinstance(other, Empty)

    def __repr__(self):
        return "EMPTY"


def any_value(data):
    value = Empty()
    for number, _, raw in fields(data):
        if number == 1:
            value = text(raw)
        elif number == 2:
            value = bool(raw)
        elif number == 3:
            value = raw - (1 << 64) if raw >> 63 else raw
        elif number == 4:
            value = struct.unpack("<d", raw)[0]
        elif number == 5:
            value = [any_value(v) for n, _, v in fields(raw) if n == 1]
        elif number == 6:
            value = dict(pairs(v for n, _, v in fields(raw) if n == 1))
        elif number == 7:
            value = bytes(raw)
    return value


def pairs(messages):
    found = []
    for message in messages:
        key, value = "", Empty()
        for number, _, raw in fields(message):
            if number == 1:
                key = text(raw)
            elif number == 2:
                value = any_value(raw)
        if key in [k for k, _ in found]:
            raise ValueError("the key '%s' is there twice" % key)
        found.append((key, value))
    return found


class Record:
    """A message: names of fields as attributes."""
    def __init__(self, data, names):
        many = {name: [] for _, (name, how) in names.items()
                if how in ("kv", "event", "link", "entity", "texts")}
        for name, how in names.values():
            setattr(self, name, {"text": "", "int": 0, "id": "", "fixed": 0}.get(how))
        for number, _, raw in fields(data):
            name, how = names.get(number, (None, None))
            if how in many or name in many:
                many[name].append(raw)
            elif how == "text":
                setattr(self, name, text(raw))
            elif how == "id":
                setattr(self, name, bytes(raw).hex())
            elif how == "int":
                setattr(self, name, raw)
            elif how == "fixed":
                setattr(self, name, int.from_bytes(raw, "little"))
            elif how == "status":
                self.status_message, self.status_code = status(raw)
        for name, raws in many.items():
            how = [h for n, h in names.values() if n == name][0]
            if how == "kv":
                setattr(self, name, dict(pairs(raws)))
            elif how == "texts":
                setattr(self, name, [text(r) for r in raws])
            else:
                fields_of = {"event": EVENT, "link": LINK, "entity": ENTITY}[how]
                setattr(self, name, [Record(r, fields_of) for r in raws])


def status(data):
    message, code = "", 0
    for number, _, raw in fields(data):
        if number == 2:
            message = text(raw)
        elif number == 3:
            code = raw
    return message, code


EVENT = {1: ("time", "fixed"), 2: ("name", "text"), 3: ("attributes", "kv"),
         4: ("dropped_attributes", "int")}
LINK = {1: ("trace_id", "id"), 2: ("span_id", "id"), 3: ("trace_state", "text"),
        4: ("attributes", "kv"), 5: ("dropped_attributes", "int"), 6: ("flags", "fixed")}
SPAN = {1: ("trace_id", "id"), 2: ("span_id", "id"), 3: ("trace_state", "text"),
        4: ("parent", "id"), 16: ("flags", "fixed"), 5: ("name", "text"), 6: ("kind", "int"),
        7: ("start", "fixed"), 8: ("end", "fixed"), 9: ("attributes", "kv"),
        10: ("dropped_attributes", "int"), 11: ("events", "event"), 12: ("dropped_events", "int"),
        13: ("links", "link"), 14: ("dropped_links", "int"), 15: ("status", "status")}
SCOPE = {1: ("name", "text"), 2: ("version", "text"), 3: ("attributes", "kv"),
         4: ("dropped_attributes", "int")}
ENTITY = {1: ("schema_url", "text"), 2: ("type", "text"), 3: ("id_keys", "texts"),
          4: ("description_keys", "texts")}
RESOURCE = {1: ("attributes", "kv"), 2: ("dropped_attributes", "int"), 3: ("entities", "entity")}


def read_spans(body):
    """The spans of a request, each with its scope and resource; and the number of ResourceSpans."""
    spans, resources = [], 0
    for number, _, resource_spans in fields(body):
        if number != 1:
            raise ValueError("field %d of a request" % number)
        resources += 1
        resource, url, scopes = Record(b"", RESOURCE), "", []
        for n, _, raw in fields(resource_spans):
            if n == 1:
                resource = Record(raw, RESOURCE)
            elif n == 2:
                scopes.append(raw)
            elif n == 3:
                url = text(raw)
        resource.schema_url = url
        for raw_scope in scopes:
            scope, scope_url, raws = Record(b"", SCOPE), "", []
            for n, _, raw in fields(raw_scope):
                if n == 1:
                    scope = Record(raw, SCOPE)
                elif n == 2:
                    raws.append(raw)
                elif n == 3:
                    scope_url = text(raw)
            scope.schema_url = scope_url
            for raw in raws:
                span = Record(raw, SPAN)
                if not hasattr(span, "status_code"):
                    span.status_code, span.status_message = 0, ""
                span.scope, span.resource = scope, resource
                spans.append(span)
    return spans, resources


class TapRecord:
    START, REQUEST, ANSWER = 1, 2, 3

    def __init__(self, head, body):
        (_, self.type, self.encoding, self.transport, self.signal, self.connection, self.request,
         self.mono_ns, self.wall_ns, self.rejected, self.status, self.span_count, _,
         self.flags) = struct.unpack("<4sBBBBQQQQQIIII", head)
        self.body = body


def read_tap(data, at):
    """The whole records of the tap from offset at on, and the offset behind them."""
    records = []
    while at + 64 <= len(data):
        size = struct.unpack_from("<I", data, at + 56)[0]
        if data[at:at + 4] != b"TAP1":
            raise ValueError("the tap is damaged at %d" % at)
        if at + 64 + size > len(data):
            break
        records.append(TapRecord(data[at:at + 64], data[at + 64:at + 64 + size]))
        at += 64 + size
    return records, at
