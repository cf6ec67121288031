//! The key process as an executable of its own: `avouch signerd` without the rest of avouch.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use signerd::{Config, SystemClock};

const USAGE: &str =
    "usage: avouch-signerd FOLDER PASSPHRASE_FILE SOCKET ADMIN_SOCKET [order=USER]... [admin=USER]...

order=USER  another user who may order signatures: the server's
admin=USER  another user who may administer; never the server's";

fn main() -> ExitCode {
    if let Err(error) = signerd::harden() {
        eprintln!("avouch-signerd: cannot close the process to others: {error}");
        return ExitCode::from(2);
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((paths, users)) = arguments.split_first_chunk::<4>() else {
        eprintln!("{USAGE}");
        return ExitCode::from(3);
    };
    let config = match config(paths, users) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("avouch-signerd: {}", model::told(&*error));
            return ExitCode::from(3);
        }
    };
    match signerd::run(&config, Arc::new(SystemClock)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("avouch-signerd: {}", model::told(&error));
            ExitCode::from(2)
        }
    }
}

fn config(paths: &[OsString; 4], users: &[OsString]) -> Result<Config, Box<dyn std::error::Error>> {
    let [folder, passphrase_file, socket, admin_socket] = paths.each_ref().map(Path::new);
    let passphrase = signerd::passphrase(std::fs::read(passphrase_file)?)?;
    let mut config = Config::new(folder, passphrase, socket, admin_socket);
    for user in users {
        let said = user.to_str().and_then(|text| text.split_once('='));
        let (may, name) =
            said.ok_or_else(|| format!("`{}` is not `order=USER` or `admin=USER`", user.display()))?;
        let number = signerd::user(name).ok_or_else(|| format!("this system has no user `{name}`"))?.user;
        match may {
            "order" => config.order_users.push(number),
            "admin" => config.admin_users.push(number),
            _ => return Err(format!("`{may}` is neither `order` nor `admin`").into()),
        }
    }
    Ok(config)
}
