"""Follows a TUF repository with python-tuf: trusted.py ROOT URL FOLDER. The files come into the folder."""

import os
import sys

from tuf.ngclient import Updater

root, url, folder = sys.argv[1:]
os.makedirs(folder + "/metadata", exist_ok=True)
with open(root, "rb") as file:
    begin = file.read()
updater = Updater(
    metadata_dir=folder + "/metadata",
    metadata_base_url=url + "/",
    target_base_url=url + "/targets/",
    target_dir=folder,
    bootstrap=begin,
)
updater.refresh()
for name in ("trusted_root.json", "signing_config.v0.2.json"):
    target = updater.get_targetinfo(name)
    updater.download_target(target, folder + "/" + name)
