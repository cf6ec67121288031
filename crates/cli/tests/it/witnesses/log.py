"""A log and a verifier of cosignatures, written from C2SP tlog-witness, tlog-cosignature, signed-note and RFC 6962 alone.

log.py key                 prints the log's verifier key
log.py submit URL KEY      submits checkpoints to the witness at URL, whose verifier key is KEY
"""

import base64
import hashlib
import http.client
import struct
import sys
import time
import urllib.parse

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ORIGIN = "log.example.test/python"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def key_hash(name, kind, raw):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def consistency(m, leaves, whole=True):
    """RFC 6962 section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = split(n)
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def text(size, top):
    return f"{ORIGIN}\n{size}\n{base64.b64encode(top).decode()}\n"


def note(size, top, key=KEY):
    signature = key_hash(ORIGIN, 1, RAW) + key.sign(text(size, top).encode())
    return f"{text(size, top)}\n\u2014 {ORIGIN} {base64.b64encode(signature).decode()}\n"


def submit(url, old, proof, signed):
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in proof)
    body = f"old {old}\n{lines}\n{signed}".encode()
    place = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.request("POST", "/add-checkpoint", body)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read().decode()


def fetch(url, path):
    place = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def check_cosignature(line, name, raw, signed_text):
    dash, who, encoded = line.rstrip("\n").split(" ")
    assert dash == "\u2014" and who == name, line
    blob = base64.b64decode(encoded)
    assert blob[:4] == key_hash(name, 4, raw), "another key"
    (stamp,) = struct.unpack(">Q", blob[4:12])
    assert abs(time.time() - stamp) < 60, stamp
    message = f"cosignature/v1\ntime {stamp}\n{signed_text}".encode()
    Ed25519PublicKey.from_public_bytes(raw).verify(blob[12:], message)


def main(url, witness):
    name, hash_text, encoded = witness.split("+", 2)
    blob = base64.b64decode(encoded)
    raw = blob[1:]
    assert blob[0] == 4 and key_hash(name, 4, raw).hex() == hash_text, witness
    path = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert fetch(url, path)[0] == 404
    leaves, old = [], 0
    for size in [1, 2, 3, 7, 8, 8, 9, 100, 257]:
        leaves += [leaf(str(n).encode()) for n in range(len(leaves), size)]
        proof = consistency(old, leaves) if old else []
        status, _, body = submit(url, old, proof, note(size, root(leaves)))
        assert status == 200, (size, status, body)
        check_cosignature(body, name, raw, text(size, root(leaves)))
        old = size
    status, shown = fetch(url, path)
    assert status == 200 and shown.startswith(note(257, root(leaves))), shown
    check_cosignature(shown.splitlines()[-1] + "\n", name, raw, text(257, root(leaves)))
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    fork = leaves[:200] + [leaf(b"fork")] * 57
    longer = leaves + [leaf(b"more")]
    proof = consistency(257, longer)
    known = note(258, root(longer))
    assert submit(url, 0, [], note(257, root(leaves)))[:2] == (409, "text/x.tlog.size")
    assert submit(url, 0, [], note(257, root(leaves)))[2] == "257\n"
    # Another tree of the size that it cosigned last.
    assert submit(url, 257, [], note(257, root(fork))) == (409, "text/x.tlog.size", "257\n")
    assert submit(url, 257, consistency(257, fork + [leaf(b"more")]), note(258, root(fork + [leaf(b"more")])))[0] == 422
    assert submit(url, 257, proof[:-1], known)[0] == 422
    assert submit(url, 257, proof + proof, known)[0] == 422
    assert submit(url, 258, [], note(257, root(leaves)))[0] == 400
    assert submit(url, 257, proof, note(258, root(longer), stranger))[0] == 403
    assert submit(url, 257, proof, known.replace(ORIGIN, "unknown.example.test"))[0] == 404
    assert submit(url, 257, [bytes(32)] * 64, known)[0] == 400
    assert submit(url, 257, proof, "x" * 300_000)[0] == 413
    assert submit(url, "+257", proof, known)[0] == 400
    status, _, body = submit(url, 257, proof, known)
    assert status == 200, body
    check_cosignature(body, name, raw, text(258, root(longer)))
    print("all answers are those of the specification")


if sys.argv[1] == "key":
    print(f"{ORIGIN}+{key_hash(ORIGIN, 1, RAW).hex()}+{base64.b64encode(bytes([1]) + RAW).decode()}")
else:
    main(sys.argv[2], sys.argv[3])
