"""Repositories that python-tuf makes, and what becomes of them under attack: attacks.py FOLDER.

Each case is a repository that changes step by step. What it shows at each lies in FOLDER/CASE/STEP; python-tuf's own client
follows it, and `cases.json` says what it took and which versions it went by then.
"""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError, RepositoryError, DownloadError
from tuf.api.metadata import (
    DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp,
)
from tuf.ngclient import FetcherInterface, Updater

ROLES = ("root", "targets", "snapshot", "timestamp")
NOW = datetime.now(timezone.utc).replace(microsecond=0)
LATER, PAST = NOW + timedelta(days=2), NOW - timedelta(days=1)
TAKEN, REFUSED = "taken", "refused"
CASES = []


def case(function=None, **how):
    """A case, under the name of its function, of a repository that is made so."""
    if function is None:
        return lambda function: case(function, **how)
    CASES.append((function, how))
    return function


class Repository:
    """Keys, versions, and the files as a server shows them."""

    def __init__(self, consistent=True, hashes=False, threshold=1):
        self.consistent, self.hashes = consistent, hashes
        self.keys = {role: [CryptoSigner.generate_ecdsa() for _ in range(threshold)] for role in ROLES}
        self.threshold = dict.fromkeys(ROLES, threshold)
        self.version = dict.fromkeys(ROLES, 0)
        self.named, self.files = {}, {}
        self.targets = {"a.txt": b"the first file"}
        self.delegations, self.delegated = None, {}
        self.root()
        self.release()

    def write(self, role, signed, keys, path):
        metadata = Metadata(signed)
        for key in keys:
            metadata.sign(key, append=True)
        data = metadata.to_bytes()
        self.files[path] = data
        described = MetaFile.from_data(signed.version, data, ["sha256"])
        self.named[role] = described if self.hashes else MetaFile(signed.version)
        return data

    def next(self, role, version):
        self.version[role] = version or self.version[role] + 1
        return self.version[role]

    def path(self, role, version):
        return f"{version}.{role}.json" if self.consistent else f"{role}.json"

    def root(self, keys=None, version=None, expires=LATER, place=None):
        """The next root: signed by the keys that it names, and by those before it that are still at hand."""
        version = self.next("root", version)
        signed = Root(version=version, expires=expires, consistent_snapshot=self.consistent)
        for role in ROLES:
            for key in self.keys[role]:
                signed.add_key(key.public_key, role)
            signed.roles[role].threshold = self.threshold[role]
        return self.write("root", signed, keys or self.keys["root"], f"{place or version}.root.json")

    def new_targets(self, keys=None, version=None, expires=LATER, place=None):
        version = self.next("targets", version)
        files = {name: TargetFile.from_data(name, data, ["sha256"]) for name, data in self.targets.items()}
        for name, data in self.targets.items():
            file = files[name]
            folder, _, last = name.rpartition("/")
            last = f"{file.hashes['sha256']}.{last}" if self.consistent else last
            self.files["targets/" + (f"{folder}/{last}" if folder else last)] = data
        signed = Targets(version=version, expires=expires, targets=files, delegations=self.delegations)
        self.write("targets", signed, keys or self.keys["targets"], place or self.path("targets", version))

    def delegate(self, name, key, paths, terminating=False, threshold=1):
        self.delegations = self.delegations or Delegations({}, {})
        self.delegations.keys[key.public_key.keyid] = key.public_key
        self.delegations.roles[name] = DelegatedRole(
            name, [key.public_key.keyid], threshold, terminating, paths=paths)

    def delegated_targets(self, name, key, files, version=1, expires=LATER):
        listed = {path: TargetFile.from_data(path, data, ["sha256"]) for path, data in files.items()}
        for path, data in files.items():
            folder, _, last = path.rpartition("/")
            last = f"{listed[path].hashes['sha256']}.{last}"
            self.files["targets/" + (f"{folder}/{last}" if folder else last)] = data
        signed = Targets(version=version, expires=expires, targets=listed)
        self.write(name, signed, [key], self.path(name, version))
        self.delegated[f"{name}.json"] = self.named[name]

    def new_snapshot(self, keys=None, version=None, expires=LATER, place=None, meta=None):
        version = self.next("snapshot", version)
        meta = {"targets.json": self.named["targets"], **self.delegated} if meta is None else meta
        signed = Snapshot(version=version, expires=expires, meta=meta)
        self.write("snapshot", signed, keys or self.keys["snapshot"], place or self.path("snapshot", version))

    def new_timestamp(self, keys=None, version=None, expires=LATER, meta=None):
        version = self.next("timestamp", version)
        signed = Timestamp(version=version, expires=expires, snapshot_meta=meta or self.named["snapshot"])
        self.write("timestamp", signed, keys or self.keys["timestamp"], "timestamp.json")

    def release(self):
        self.new_targets()
        self.new_snapshot()
        self.new_timestamp()

    def replace_keys(self, *roles):
        """Other keys for these roles, by the next root; the keys before sign that, too."""
        before = list(self.keys["root"])
        for role in roles:
            self.keys[role] = [CryptoSigner.generate_ecdsa() for _ in self.keys[role]]
        signers = before + [key for key in self.keys["root"] if key not in before]
        self.root(keys=signers)


class Shown(FetcherInterface):
    """The files of a step, instead of a server."""

    def __init__(self, files):
        self.files = files

    def _fetch(self, url):
        path = url.removeprefix("http://shown/")
        if path not in self.files:
            raise DownloadHTTPError("it is not there", 404)
        yield self.files[path]


# What is good, and stays so.

@case
def a_repository_that_grows_and_rotates_every_key(repo):
    for role in ROLES:
        repo.replace_keys(role)
        repo.release()
        yield TAKEN


@case(consistent=False)
def a_repository_without_consistent_snapshots(repo):
    repo.release()
    yield TAKEN, "a.txt"


@case(hashes=True)
def a_repository_that_names_lengths_and_hashes(repo):
    repo.release()
    yield TAKEN, "a.txt"


@case(threshold=2)
def a_repository_that_asks_for_two_signatures(repo):
    repo.release()
    yield TAKEN


@case
def a_client_that_was_away_for_many_roots(repo):
    for role in ("root", "root", "timestamp", "root", "snapshot"):
        repo.replace_keys(role)
    repo.release()
    yield TAKEN


@case
def a_root_in_between_that_has_expired(repo):
    repo.root(expires=PAST)
    repo.root()
    yield TAKEN


# Rollback.

@case
def a_timestamp_of_before(repo):
    old = repo.files["timestamp.json"]
    repo.release()
    yield TAKEN
    repo.files["timestamp.json"] = old
    yield REFUSED
    repo.release()
    yield TAKEN


@case
def a_timestamp_that_names_a_snapshot_of_before(repo):
    old = repo.named["snapshot"]
    repo.release()
    yield TAKEN
    repo.new_timestamp(meta=old)
    yield REFUSED


@case
def a_snapshot_that_names_targets_of_before(repo):
    old = repo.named["targets"]
    repo.release()
    yield TAKEN
    repo.new_snapshot(meta={"targets.json": old})
    repo.new_timestamp()
    yield REFUSED


@case
def a_snapshot_that_names_targets_no_more(repo):
    repo.delegate("more", key := CryptoSigner.generate_ecdsa(), ["more/*"])
    repo.delegated_targets("more", key, {"more/b.txt": b"another"})
    repo.release()
    yield TAKEN, "more/b.txt"
    repo.delegated.clear()
    repo.new_snapshot()
    repo.new_timestamp()
    yield REFUSED


# Freeze.

@case
def a_timestamp_that_has_expired(repo):
    repo.new_timestamp(expires=PAST)
    yield REFUSED


@case
def a_snapshot_that_has_expired(repo):
    repo.new_snapshot(expires=PAST)
    repo.new_timestamp()
    yield REFUSED
    repo.release()
    yield TAKEN


@case
def targets_that_have_expired(repo):
    repo.new_targets(expires=PAST)
    repo.new_snapshot()
    repo.new_timestamp()
    yield REFUSED


@case
def a_last_root_that_has_expired(repo):
    repo.root(expires=PAST)
    yield REFUSED


# Fast-forward: whoever had the keys made versions so high that nothing good comes after them, until the keys are replaced.

@case
def a_timestamp_far_ahead_until_its_keys_are_replaced(repo):
    repo.new_timestamp(version=99_999)
    yield TAKEN
    repo.new_timestamp(version=3)
    yield REFUSED
    repo.replace_keys("timestamp")
    repo.new_timestamp(version=4)
    yield TAKEN


@case
def a_snapshot_far_ahead_until_its_keys_are_replaced(repo):
    repo.new_snapshot(version=99_999)
    repo.new_timestamp()
    yield TAKEN
    repo.new_snapshot(version=3)
    repo.new_timestamp()
    yield REFUSED
    repo.replace_keys("snapshot", "timestamp")
    repo.new_snapshot(version=4)
    repo.new_timestamp()
    yield TAKEN


@case
def targets_far_ahead_until_the_keys_are_replaced(repo):
    repo.new_targets(version=99_999)
    repo.new_snapshot()
    repo.new_timestamp()
    yield TAKEN
    repo.new_targets(version=3)
    repo.new_snapshot()
    repo.new_timestamp()
    yield REFUSED
    repo.replace_keys("snapshot", "timestamp")
    repo.new_snapshot()
    repo.new_timestamp()
    yield TAKEN


# Mix and match.

@case
def a_snapshot_of_before_under_the_name_of_the_newest(repo):
    old = repo.files["1.snapshot.json"]
    repo.release()
    repo.files["2.snapshot.json"] = old
    yield REFUSED


@case
def targets_of_before_under_the_name_of_the_newest(repo):
    old = repo.files["1.targets.json"]
    repo.release()
    repo.files["2.targets.json"] = old
    yield REFUSED


@case(hashes=True)
def a_snapshot_of_the_named_version_and_another_hash(repo):
    repo.release()
    repo.new_snapshot(version=2, expires=LATER + timedelta(days=1))
    yield REFUSED


@case(hashes=True)
def targets_of_the_named_version_and_another_hash(repo):
    repo.release()
    repo.new_targets(version=2, expires=LATER + timedelta(days=1))
    yield REFUSED


@case(hashes=True)
def a_snapshot_that_is_longer_than_named(repo):
    repo.release()
    repo.files["2.snapshot.json"] += b" "
    yield REFUSED


# Signatures.

@case
def a_timestamp_that_nobody_known_signed(repo):
    repo.new_timestamp(keys=[CryptoSigner.generate_ecdsa()])
    yield REFUSED


@case
def metadata_that_another_role_signed(repo):
    repo.new_snapshot(keys=repo.keys["timestamp"])
    repo.new_timestamp()
    yield REFUSED
    repo.release()
    yield TAKEN
    repo.new_targets(keys=repo.keys["snapshot"])
    repo.new_snapshot()
    repo.new_timestamp()
    yield REFUSED


@case
def a_timestamp_whose_bytes_were_changed(repo):
    repo.new_timestamp()
    text = json.loads(repo.files["timestamp.json"])
    text["signed"]["version"] += 1
    repo.files["timestamp.json"] = json.dumps(text).encode()
    yield REFUSED


@case(threshold=2)
def one_signature_where_two_are_asked_for(repo):
    for role in ("timestamp", "snapshot", "targets"):
        keys = repo.keys[role][:1]
        repo.new_targets(keys=keys if role == "targets" else None)
        repo.new_snapshot(keys=keys if role == "snapshot" else None)
        repo.new_timestamp(keys=keys if role == "timestamp" else None)
        yield REFUSED
    repo.release()
    yield TAKEN


@case(threshold=2)
def one_signature_twice_where_two_are_asked_for(repo):
    repo.new_timestamp(keys=repo.keys["timestamp"][:1])
    text = json.loads(repo.files["timestamp.json"])
    text["signatures"] *= 2
    repo.files["timestamp.json"] = json.dumps(text).encode()
    yield REFUSED


@case
def a_root_that_only_its_own_keys_signed(repo):
    repo.keys["root"] = [CryptoSigner.generate_ecdsa()]
    repo.root()
    yield REFUSED


@case
def a_root_that_only_the_keys_before_it_signed(repo):
    before = repo.keys["root"]
    repo.keys["root"] = [CryptoSigner.generate_ecdsa()]
    repo.root(keys=before)
    yield REFUSED


@case
def a_root_of_another_version_than_its_name(repo):
    repo.root(version=3, place=2)
    yield REFUSED
    repo.files["2.root.json"] = repo.files["1.root.json"]
    yield REFUSED


@case
def keys_that_a_later_root_took_away(repo):
    stolen = repo.keys["timestamp"]
    repo.replace_keys("timestamp")
    repo.release()
    yield TAKEN
    repo.new_timestamp(keys=stolen)
    yield REFUSED


# What is not there, or is something else.

@case
def a_role_without_a_file(repo):
    for role in ("timestamp", "snapshot", "targets"):
        repo.release()
        del repo.files["timestamp.json" if role == "timestamp" else repo.path(role, repo.version[role])]
        yield REFUSED
        repo.release()
        yield TAKEN


@case
def a_file_of_another_role(repo):
    repo.release()
    repo.files["timestamp.json"] = repo.files["2.snapshot.json"]
    yield REFUSED


@case
def a_file_that_is_not_metadata(repo):
    for text in (b"", b"{", b"[]", b"null", b'{"signed": {}, "signatures": []}'):
        repo.files["timestamp.json"] = text
        yield REFUSED


@case
def metadata_of_a_later_specification(repo):
    signed = Timestamp(version=9, expires=LATER, snapshot_meta=repo.named["snapshot"])
    text = Metadata(signed).to_dict()
    text["signed"]["spec_version"] = "2.0.0"
    repo.files["timestamp.json"] = json.dumps(text).encode()
    yield REFUSED


# Files that clients want.

@case
def a_file_and_another_in_its_place(repo):
    yield TAKEN, "a.txt"
    place = next(path for path in repo.files if path.endswith(".a.txt"))
    for data in (b"the first line", b"the first file, and more of it", b"the first", b""):
        repo.files[place] = data
        yield REFUSED, "a.txt"
    del repo.files[place]
    yield REFUSED, "a.txt"
    yield REFUSED, "b.txt"


@case
def files_of_those_to_whom_it_was_delegated(repo):
    key, other = CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ecdsa()
    repo.delegate("more", key, ["more/*"])
    repo.delegated_targets("more", key, {"more/b.txt": b"another", "less/c.txt": b"not its own"})
    repo.release()
    yield TAKEN, "more/b.txt"
    # It names a file that was not delegated to it.
    yield REFUSED, "less/c.txt"
    repo.delegated_targets("more", other, {"more/b.txt": b"somebody else's"}, version=2)
    repo.release()
    yield REFUSED, "more/b.txt"
    repo.delegated_targets("more", key, {"more/b.txt": b"newer"}, version=3, expires=PAST)
    repo.release()
    yield REFUSED, "more/b.txt"


@case
def a_delegation_that_ends_the_search(repo):
    first, second = CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ecdsa()
    repo.delegate("first", first, ["*.txt"], terminating=True)
    repo.delegate("second", second, ["*.txt"])
    repo.delegated_targets("first", first, {"f.txt": b"of the first"})
    repo.delegated_targets("second", second, {"s.txt": b"of the second"})
    repo.release()
    yield TAKEN, "f.txt"
    yield REFUSED, "s.txt"


def follow(files, root, folder, target):
    """What python-tuf's client says of these files."""
    updater = Updater(
        metadata_dir=folder + "/metadata", metadata_base_url="http://shown/", target_dir=folder,
        target_base_url="http://shown/targets/", fetcher=Shown(files), bootstrap=root)
    try:
        updater.refresh()
        if target:
            path = folder + "/" + target.replace("/", "_")
            if os.path.exists(path):
                os.remove(path)
            info = updater.get_targetinfo(target)
            if info is None:
                return REFUSED
            updater.download_target(info, path)
    except (RepositoryError, DownloadError):
        return REFUSED
    return TAKEN


def versions(folder):
    """The versions that a client keeps."""
    kept = {}
    for role in ROLES:
        path = f"{folder}/{role}.json"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                kept[role] = json.load(file)["signed"]["version"]
    return kept


def main(folder):
    cases = []
    for function, how in CASES:
        name, repo, steps = function.__name__, Repository(**how), []
        root = repo.files["1.root.json"]
        client = f"{folder}/{name}/python"
        os.makedirs(client + "/metadata")
        with open(f"{folder}/{name}/root.json", "wb") as file:
            file.write(root)

        def show(expected, target=None):
            place = f"{folder}/{name}/{len(steps)}"
            for path, data in repo.files.items():
                os.makedirs(os.path.dirname(f"{place}/{path}"), exist_ok=True)
                with open(f"{place}/{path}", "wb") as file:
                    file.write(data)
            said = follow(repo.files, root, client, target)
            steps.append({
                "expected": expected, "said": said, "target": target, "kept": versions(client + "/metadata")})

        show(TAKEN)
        for step in function(repo):
            show(*((step,) if isinstance(step, str) else step))
        cases.append({"name": name, "steps": steps})
    with open(folder + "/cases.json", "w", encoding="utf-8") as file:
        json.dump(cases, file, indent=1)


main(sys.argv[1])
