//! Who owns what in a folder that two users share: the key process's user and the server's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, lchown};
use std::path::Path;

use signerd::User;

use crate::config::{Config, FILE, Folder};
use crate::failure::Failure;

/// The user of the key process on a system where a package made it.
const KEY_PROCESS: &str = "avouch-signerd";
/// The user of the server there.
const SERVER: &str = "avouch";

/// Who passes through sees nothing of what is there but what they can name.
const PASSAGE: u32 = 0o711;
/// The configuration holds no secrets, and both read it.
const READABLE: u32 = 0o644;

/// Names the two users whom packages make.
pub(crate) fn name(config: &mut Config) {
    config.signerd.user = Some(KEY_PROCESS.to_owned());
    config.server.user = Some(SERVER.to_owned());
}

/// Gives each of the two users what is its own, where the configuration names them, and lets both reach their sockets.
/// Root alone can do that, while neither of them runs on what it is given.
pub(crate) fn settle(folder: &Folder) -> Result<(), Failure> {
    settle_server(folder)?;
    let Some(user) = folder.key_process_user()? else { return Ok(()) };
    let [keys, passphrase, orders, administration] = folder.of_key_process();
    [&keys, &passphrase, &orders, &administration].into_iter().try_for_each(|path| give(path, user))?;
    let ways = orders.ancestors().chain(administration.ancestors());
    ways.filter(|path| path.starts_with(folder.path())).try_for_each(|path| set_mode(path, PASSAGE))?;
    set_mode(&folder.at(FILE), READABLE)
}

/// Gives the server's user what is its own.
pub(crate) fn settle_server(folder: &Folder) -> Result<(), Failure> {
    let Some(user) = folder.server_user()? else { return Ok(()) };
    folder.of_server().iter().try_for_each(|path| give(path, user))
}

/// Gives a path and all that is in it to a user. What a link points to stays whose it is.
fn give(path: &Path, user: User) -> Result<(), Failure> {
    let Ok(kind) = fs::symlink_metadata(path) else { return Ok(()) };
    if kind.is_dir() {
        for entry in fs::read_dir(path).map_err(Failure::file("list", path))? {
            give(&entry.map_err(Failure::file("list", path))?.path(), user)?;
        }
    }
    lchown(path, Some(user.user), Some(user.group)).map_err(Failure::file("give to its user", path))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Failure::file("set the mode of", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;
    use crate::config::Ports;

    /// A folder as `init` makes it, of two users by number; a link in the server's folder leads out of it.
    fn folder(path: &Path, users: [u32; 2]) -> Folder {
        let mut config = Config::new("localhost", Ports::From(7443));
        let [key_process, server] = users.map(|user| Some(user.to_string()));
        (config.signerd.user, config.server.user) = (key_process, server);
        for inside in ["signerd/keys", "server/tls", "run/signerd", "run/server", "admin"] {
            crate::files::private_folder(&path.join(inside)).unwrap();
        }
        fs::write(path.join(FILE), config.encode()).unwrap();
        fs::write(path.join("signerd/keys/one"), "").unwrap();
        symlink(path.join("admin"), path.join("server/tls/link")).unwrap();
        Folder::new(path, config)
    }

    #[test]
    fn each_user_gets_what_is_its_own_and_no_more() {
        let own = rustix::process::geteuid().as_raw();
        // Without root, a user can give what it has to itself alone; the modes are the same.
        let users = if own == 0 { [64_002, 64_001] } else { [own, own] };
        let place = testkit::temp_folder();
        settle(&folder(place.path(), users)).unwrap();
        let owner = |path: &str| fs::symlink_metadata(place.path().join(path)).unwrap().uid();
        for path in ["signerd", "signerd/keys/one", "run/signerd"] {
            assert_eq!(owner(path), users[0], "{path}");
        }
        for path in ["server", "server/tls", "server/tls/link", "run/server"] {
            assert_eq!(owner(path), users[1], "{path}");
        }
        for path in ["", "run", "admin", FILE] {
            assert_eq!(owner(path), own, "`{path}`");
        }
        let mode = |path: &str| fs::metadata(place.path().join(path)).unwrap().mode() & 0o777;
        let modes = ["", "run", "run/signerd", "run/server", "signerd", "server", "admin"].map(mode);
        assert_eq!(modes, [0o711, 0o711, 0o711, 0o700, 0o700, 0o700, 0o700]);
    }

    #[test]
    fn a_folder_of_one_user_stays_as_it_is() {
        let place = testkit::temp_folder();
        crate::files::private_folder(&place.path().join("data/run/signerd")).unwrap();
        let dir = place.path().join("data");
        settle(&Folder::new(&dir, Config::new("localhost", Ports::From(7443)))).unwrap();
        assert_eq!(fs::metadata(dir.join("run/signerd")).unwrap().mode() & 0o777, 0o700);
    }
}
