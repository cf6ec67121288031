//! The key process as an executable of its own: `avouch signerd` without the rest of avouch.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use keystore::{Cost, Passphrase};
use signerd::{Config, SystemClock};

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
    match serve(folder, passphrase_file, socket, admin_socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            eprintln!(
                "avouch-signerd: {}",
                causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
            );
            ExitCode::from(2)
        }
    }
}

fn serve(
    folder: PathBuf,
    passphrase_file: PathBuf,
    socket: PathBuf,
    admin_socket: PathBuf,
) -> Result<(), Box<dyn std::error::Error>> {
    let passphrase = Passphrase::from_file_content(std::fs::read(passphrase_file)?.into())?;
    let config = Config {
        folder,
        passphrase,
        cost: Cost::RECOMMENDED,
        socket,
        admin_socket,
        order_users: Vec::new(),
        admin_users: Vec::new(),
    };
    Ok(signerd::run(&config, Arc::new(SystemClock))?)
}
