# SPDX-License-Identifier: Apache-2.0
"""relabel.py SERVICE PERMUTATION TAP: instance i of SERVICE calls itself after the i-th number.

Rewrites the tap in place; the names have one length, so every record stays as it is.
"""
import re
import sys

service, permutation, path = sys.argv[1:4]
labels = permutation.split(",")
with open(path, "rb") as file:
    data = file.read()
name = re.compile(re.escape(service.encode()) + rb"-(\d)(?!\d)")
data = name.sub(lambda m: service.encode() + b"-" + labels[int(m.group(1))].encode(), data)
with open(path, "wb") as file:
    file.write(data)
