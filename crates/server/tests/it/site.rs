//! A platform in a temporary folder: a key process and a server, each with its own threads.

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use client::{AdminClient, Client, Context, Credential};
use identity::{ApiKey, ApiKeyRecord};
use model::{
    Class, Clock, Digest, Form, Instant, Logging, PersonId, PrincipalId, Profile, ProfileKey, Timestamping,
};
use server::{Addresses, Config, FirstClient, FirstCredential, Founding, Limits};
use signerd::SystemClock;
use testkit::TempFolder;
use tokio::sync::oneshot;

use crate::disk::SmallDisk;
use crate::founder::{self, space};

pub(crate) const PRINCIPAL: PrincipalId = PrincipalId::new([9; 16]);

/// A running platform. Dropping it stops the server first.
pub(crate) struct Site {
    pub(crate) addresses: Addresses,
    pub(crate) credential: FirstCredential,
    pub(crate) config: Config,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    key_process: Option<signerd::Running>,
    pub(crate) disk: Option<SmallDisk>,
    pub(crate) key_disk: Option<SmallDisk>,
    _folder: TempFolder,
}

/// What a platform is begun with.
pub(crate) struct Plan {
    pub(crate) clock: Arc<dyn Clock>,
    /// The key process's own clock; none is the same.
    pub(crate) key_clock: Option<Arc<dyn Clock>>,
    /// The policy that the registry names.
    pub(crate) policy: Digest,
    /// API keys beside the client certificate.
    pub(crate) keys: Vec<ApiKeyRecord>,
    pub(crate) limits: Limits,
    /// A disk of its own for the server's folder.
    pub(crate) disk: Option<SmallDisk>,
    /// A disk of its own for the key process's folder.
    pub(crate) key_disk: Option<SmallDisk>,
}

impl Default for Plan {
    fn default() -> Self {
        let (policy, limits) = (policy::BuiltIn::digest(), Limits::default());
        Self {
            clock: Arc::new(SystemClock),
            key_clock: None,
            policy,
            keys: Vec::new(),
            limits,
            disk: None,
            key_disk: None,
        }
    }
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::open(Plan::default())
    }

    /// Starts with these API keys beside the client certificate.
    pub(crate) fn start_with(keys: &[ApiKeyRecord]) -> Self {
        Self::open(Plan { keys: keys.to_vec(), ..Plan::default() })
    }

    /// Starts on a platform whose registry names this policy.
    pub(crate) fn start_under(policy: Digest, keys: &[ApiKeyRecord]) -> Self {
        Self::open(Plan { policy, keys: keys.to_vec(), ..Plan::default() })
    }

    pub(crate) fn open(plan: Plan) -> Self {
        server::start_logs(server::LogFormat::Text, "warn").unwrap();
        let Plan { clock, key_clock, policy, keys, limits, mut disk, mut key_disk } = plan;
        let folder = testkit::temp_folder();
        let config = Config { limits, ..config(folder.path()) };
        let key_clock = key_clock.unwrap_or_else(|| Arc::clone(&clock));
        key_disk.iter_mut().for_each(|disk| {
            let keys = folder.path().join("signerd");
            fs::create_dir(&keys).unwrap();
            disk.mount(&keys);
        });
        let key_process = start_key_process(folder.path(), &config, key_clock);
        let signer = Arc::new(signer::Client::new(&config.signer_socket));
        founder::found(&*signer, &folder.path().join("admin.sock"), &*clock, policy);
        fs::create_dir(&config.folder).unwrap();
        disk.iter_mut().for_each(|disk| disk.mount(&config.folder));
        let credential = server::found(&Founding {
            folder: &config.folder,
            host: "localhost",
            signer,
            clock: Arc::clone(&clock),
            profiles: &[profile("default"), profile("default/other")],
            client: FirstClient {
                principal: PRINCIPAL,
                person: PersonId::new([9; 16]),
                name: "build",
                spaces: vec![space("default")],
            },
        })
        .unwrap();
        let store = store::Store::open(&config.folder, "test", Arc::clone(&clock)).unwrap();
        keys.iter().for_each(|key| store.add_api_key(key).unwrap());
        drop(store);
        let (addresses, stop, serving) = serve(config.clone(), clock);
        let (stop, serving, key_process) = (Some(stop), Some(serving), Some(key_process));
        Self { addresses, credential, config, stop, serving, key_process, disk, key_disk, _folder: folder }
    }

    /// Starts the server again, after it was stopped.
    pub(crate) fn start_server(&mut self) {
        let (addresses, stop, serving) = serve(self.config.clone(), Arc::new(SystemClock));
        (self.addresses, self.stop, self.serving) = (addresses, Some(stop), Some(serving));
    }

    /// Ends the server and waits until it has ended.
    pub(crate) fn stop_server(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.serving.take().unwrap().join().unwrap();
    }

    pub(crate) fn client(&self, credential: Credential) -> Client {
        self.client_of(self.addresses.listen.port(), credential)
    }

    /// The client that was there from the beginning.
    pub(crate) fn first_client(&self) -> Client {
        let FirstCredential { certificate_pem, key_pem, .. } = &self.credential;
        let (certificate_pem, key_pem) = (certificate_pem.clone(), key_pem.clone());
        self.client(Credential::ClientCertificate { certificate_pem, key_pem })
    }

    pub(crate) fn public_client(&self) -> Client {
        self.client_of(self.addresses.public_listen.port(), Credential::None)
    }

    pub(crate) fn admin(&self) -> AdminClient {
        AdminClient::new(&self.config.admin_socket).unwrap()
    }

    fn client_of(&self, port: u16, credential: Credential) -> Client {
        let (url, ca_pem) = (format!("https://localhost:{port}"), self.credential.ca_pem.clone());
        Client::new(&Context { url, ca_pem, credential }).unwrap()
    }

    /// A client that knows nothing of avouch, with a client certificate or without.
    pub(crate) fn http(&self, identity: Identity) -> reqwest::Client {
        let roots = reqwest::Certificate::from_pem_bundle(self.credential.ca_pem.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only(roots).no_proxy();
        let builder = match identity {
            Identity::Nobody => builder,
            Identity::First => {
                let pem = format!("{}\n{}", self.credential.key_pem, self.credential.certificate_pem);
                builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            }
        };
        builder.build().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.addresses.listen.port())
    }

    pub(crate) fn public_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.addresses.public_listen.port())
    }

    pub(crate) fn monitor_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.monitor_listen)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    Nobody,
    First,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
        if let Some(key_process) = self.key_process.take() {
            let _ = key_process.stop();
        }
    }
}

/// An API key and what the store keeps of it.
pub(crate) fn api_key(number: u8, expires: Instant) -> (ApiKey, ApiKeyRecord) {
    let key = ApiKey::from_random(&[number; 42]);
    let record = ApiKeyRecord {
        id: key.id(),
        digest: key.digest(),
        principal: PRINCIPAL,
        spaces: vec![space("default")],
        profiles: Some(vec![space("default")]),
        created: Instant::EPOCH,
        expires,
        revoked: None,
    };
    (key, record)
}

pub(crate) fn profile(name: &str) -> Profile {
    let key = |form, key| ProfileKey { form, key: space(key) };
    Profile {
        name: space(name),
        class: Class::Release,
        keys: vec![key(Form::Cms, "default/cms"), key(Form::Blob, "default/blob")],
        timestamp: Timestamping::Rfc3161,
        log: Logging::Transparency,
    }
}

fn config(folder: &Path) -> Config {
    let any = "127.0.0.1:0".parse().unwrap();
    Config {
        folder: folder.join("server"),
        listen: any,
        public_listen: any,
        monitor_listen: any,
        admin_socket: folder.join("server-admin.sock"),
        signer_socket: folder.join("orders.sock"),
        public_url: None,
        limits: Limits::default(),
        walls: server::Walls::default(),
        development: server::Development::Off,
    }
}

fn start_key_process(folder: &Path, config: &Config, clock: Arc<dyn Clock>) -> signerd::Running {
    let passphrase = signerd::Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
    let config = signerd::Config {
        folder: folder.join("signerd"),
        passphrase,
        cost: keystore::Cost::LEAST,
        socket: config.signer_socket.clone(),
        admin_socket: folder.join("admin.sock"),
        order_users: Vec::new(),
        admin_users: Vec::new(),
        stores: std::collections::BTreeMap::new(),
    };
    signerd::start(&config, clock).unwrap()
}

/// Runs a server on a thread of its own, and returns once it takes connections.
pub(crate) fn serve(
    config: Config,
    clock: Arc<dyn Clock>,
) -> (Addresses, oneshot::Sender<()>, JoinHandle<()>) {
    let (told, ready) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let serving = std::thread::spawn(move || {
        let tell = |addresses: &Addresses| told.send(addresses.clone()).unwrap();
        let stop = async {
            let _ = stopped.await;
        };
        server::run(config, clock, tell, stop).unwrap();
    });
    let addresses = ready.recv_timeout(Duration::from_secs(60)).unwrap();
    (addresses, stop, serving)
}
