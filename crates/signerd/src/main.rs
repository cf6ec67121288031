//! The key process as an executable of its own: `avouch signerd` without the rest of avouch.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use model::Space;
use signerd::{Config, Network, Pkcs11Config, SystemClock};

/// The word that makes this the lane process of a hardware token: its key process says it.
const LANE: &str = "lane";

const USAGE: &str = "usage: avouch-signerd FOLDER PASSPHRASE_FILE SOCKET ADMIN_SOCKET [WORD=VALUE]...

order=USER      another user who may order signatures: the server's
admin=USER      another user who may administer; never the server's
store=NAME=URI  another key store, in the hardware token of a `pkcs11:` URI; of the store before are
  env=NAME=VALUE    a variable of its module's environment
  read=PATH         a file or folder that its module reads
  write=PATH        a folder in which its module keeps files
  network=any       that its module speaks with a device over a network
  deadline-ms=N     how long a signature may take, from 100 to 10000";

fn main() -> ExitCode {
    if let Err(error) = signerd::harden() {
        eprintln!("avouch-signerd: cannot close the process to others: {error}");
        return ExitCode::from(2);
    }
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((_, words)) = arguments.split_first().filter(|(verb, _)| *verb == LANE) {
        return ended(signerd::lane(words));
    }
    let Some((paths, words)) = arguments.split_first_chunk::<4>() else {
        eprintln!("{USAGE}");
        return ExitCode::from(3);
    };
    let config = match config(paths, words) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("avouch-signerd: {}", model::told(&*error));
            return ExitCode::from(3);
        }
    };
    ended(signerd::run(&config, Arc::new(SystemClock)))
}

fn ended<E: std::error::Error>(ended: Result<(), E>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("avouch-signerd: {}", model::told(&error));
            ExitCode::from(2)
        }
    }
}

type Refused = Box<dyn std::error::Error>;

fn config(paths: &[OsString; 4], words: &[OsString]) -> Result<Config, Refused> {
    let [folder, passphrase_file, socket, admin_socket] = paths.each_ref().map(Path::new);
    let passphrase = signerd::passphrase(std::fs::read(passphrase_file)?)?;
    let mut config = Config::new(folder, passphrase, socket, admin_socket);
    let mut newest = None;
    for word in words {
        let said = word.to_str().and_then(|text| text.split_once('='));
        let (what, value) = said.ok_or_else(|| format!("`{}` is not `WORD=VALUE`", word.display()))?;
        match what {
            "order" => config.order_users.push(user(value)?),
            "admin" => config.admin_users.push(user(value)?),
            "store" => {
                let (name, uri) = value.split_once('=').ok_or("a store is `store=NAME=URI`")?;
                let name: Space = name.parse()?;
                config.stores.insert(name.clone(), Pkcs11Config::new(uri.parse()?, vec![LANE.into()]));
                newest = Some(name);
            }
            _ => {
                let store = newest.as_ref().and_then(|name| config.stores.get_mut(name));
                set(store.ok_or_else(|| format!("`{what}` comes after a `store=NAME=URI`"))?, what, value)?;
            }
        }
    }
    Ok(config)
}

fn user(name: &str) -> Result<u32, Refused> {
    Ok(signerd::user(name).ok_or_else(|| format!("this system has no user `{name}`"))?.user)
}

fn set(store: &mut Pkcs11Config, what: &str, value: &str) -> Result<(), Refused> {
    match (what, value) {
        ("read", path) => store.read.push(path.into()),
        ("write", path) => store.write.push(path.into()),
        ("network", "any") => store.network = Network::Any,
        ("deadline-ms", number) => store.deadline = Pkcs11Config::deadline_of(number.parse()?)?,
        ("env", variable) => {
            let (name, value) = variable.split_once('=').ok_or("a variable is `env=NAME=VALUE`")?;
            store.environment.insert(name.to_owned(), value.to_owned());
        }
        _ => return Err(format!("`{what}={value}` is not known here").into()),
    }
    Ok(())
}
