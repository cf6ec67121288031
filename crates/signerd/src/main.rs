//! The key process as an executable of its own: `avouch signerd` without the rest of avouch.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use signerd::{Config, Passphrase, SystemClock};

const USAGE: &str = "usage: avouch-signerd FOLDER PASSPHRASE_FILE SOCKET ADMIN_SOCKET";

fn main() -> ExitCode {
    if let Err(error) = signerd::harden() {
        eprintln!("avouch-signerd: cannot close the process to others: {error}");
        return ExitCode::from(2);
    }
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let Ok([folder, passphrase_file, socket, admin_socket]) = <[PathBuf; 4]>::try_from(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(3);
    };
    match serve(&folder, &passphrase_file, &socket, &admin_socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("avouch-signerd: {}", model::told(&*error));
            ExitCode::from(2)
        }
    }
}

fn serve(
    folder: &Path,
    passphrase_file: &Path,
    socket: &Path,
    admin_socket: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let passphrase = Passphrase::from_file_content(std::fs::read(passphrase_file)?.into())?;
    let config = Config::new(folder, passphrase, socket, admin_socket);
    Ok(signerd::run(&config, Arc::new(SystemClock))?)
}
