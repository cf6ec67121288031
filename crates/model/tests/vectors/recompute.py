#!/usr/bin/env python3
"""Recomputes every digest of the golden vectors beside it, from the specification alone.

A second implementation, with nothing but a standard library: tagged digests, the canonical form of requests
and items (RFC 8785), item leaves, the item tree with its paths (RFC 6962). It prints what it recomputed, one a
line, and ends with an error at the first difference. An argument names another folder of vectors.
"""

import hashlib
import json
import pathlib
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, *parts):
    return sha256(b"avouch/v1/" + tag.encode() + b"\0" + b"".join(parts))


def canonical(text):
    """The canonical form of JSON without floats: sorted by UTF-16, no white space, no needless escapes."""

    def ordered(value):
        if isinstance(value, dict):
            return {key: ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
        return [ordered(one) for one in value] if isinstance(value, list) else value

    return json.dumps(ordered(json.loads(text)), ensure_ascii=False, separators=(",", ":"))


def leaf(item):
    return sha256(b"\0" + b"avouch/v1/item\0" + item)


def split(leaves):
    """The largest power of two below the number of leaves."""
    return 1 << (len(leaves) - 1).bit_length() - 1


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    at = split(leaves)
    return sha256(b"\1" + root(leaves[:at]) + root(leaves[at:]))


def path(leaves, index):
    if len(leaves) == 1:
        return []
    at = split(leaves)
    if index < at:
        return path(leaves[:at], index) + [root(leaves[at:])]
    return path(leaves[at:], index - at) + [root(leaves[:at])]


def same(what, computed, written):
    computed = [one.hex() for one in computed] if isinstance(computed, list) else computed.hex()
    if computed != written:
        sys.exit(f"{what}: computed {computed}, written {written}")
    print(what, computed)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for vector in json.loads((folder / "tags.json").read_text("utf-8")):
        parts = [bytes.fromhex(part) for part in vector["parts"]]
        same("tag " + vector["tag"], tagged(vector["tag"], *parts), vector["digest"])

    for name, vector in json.loads((folder / "requests.json").read_text("utf-8")).items():
        texts = [vector["request"]] + [one["item"] for one in vector["items"]]
        if any(canonical(text) != text for text in texts):
            sys.exit(f"{name}: a text that is not canonical")
        same("request " + name, tagged("request", vector["request"].encode()), vector["digest"])
        leaves = [leaf(one["item"].encode()) for one in vector["items"]]
        for index, one in enumerate(vector["items"]):
            same(f"leaf {name} {index}", leaves[index], one["leaf"])
            same(f"path {name} {index}", path(leaves, index), one["path"])
        if leaves:
            tree = json.loads(vector["request"])["kind"]["sign"]["items"]
            same("root " + name, root(leaves), tree["root"])
            if tree["count"] != len(leaves):
                sys.exit(f"{name}: {tree['count']} items named, {len(leaves)} there")


main()
