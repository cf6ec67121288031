//! A registry of container images: Debian's `docker-registry`, which keeps what refers to an image under a tag, and a
//! front before it that lists referrers as version 1.1 of the distribution specification has it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Mutex;

use model::Digest;
use serde_json::{Value, json};
use testkit::{Asked, HttpSite, Reply, TempFolder, Tool};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The one repository in it.
pub(crate) const REPOSITORY: &str = "team/app";

/// The registry, on a free port of loopback. It goes when it is dropped.
pub(crate) struct Registry {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    _folder: TempFolder,
}

impl Registry {
    pub(crate) fn start(tool: &Tool) -> Self {
        let folder = testkit::temp_folder();
        let config = json!({
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": true}},
            "storage": {"filesystem": {"rootdirectory": folder.path().join("images")}},
            "http": {"addr": "127.0.0.1:0"},
        });
        // YAML takes JSON as it is.
        let path = folder.path().join("config.yml");
        fs::write(&path, config.to_string()).unwrap();
        let mut process = tool.command().arg("serve").arg(&path).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let listens = |line: String| {
            let (_, address) = line.split_once("listening on ")?;
            Some(address.split(['"', ' ']).next()?.to_owned())
        };
        let address = said.find_map(listens).expect("the registry says where it listens");
        // Read on, or it would stop once nobody takes what it says.
        std::thread::spawn(move || said.for_each(drop));
        Self { process, address, _folder: folder }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Puts an image into a registry, and returns its digest as references have it.
pub(crate) fn push(registry: &str, contents: &str) -> String {
    let config = json!({"architecture": "amd64", "os": "linux", "author": contents}).to_string();
    let digest = push_blob(registry, config.as_bytes());
    let config = json!({
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len(),
    });
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []});
    put_manifest(registry, None, MANIFEST, manifest.to_string().as_bytes())
}

/// Puts bytes in, and returns their digest.
pub(crate) fn push_blob(registry: &str, bytes: &[u8]) -> String {
    let digest = format!("sha256:{}", Digest::of(bytes));
    let began = call(registry, "POST", &format!("/v2/{REPOSITORY}/blobs/uploads/"), "", b"");
    let place = header(&began, "location").split_once(&format!("//{registry}")).unwrap().1.to_owned();
    call(registry, "PUT", &format!("{place}&digest={digest}"), "application/octet-stream", bytes);
    digest
}

/// Puts a list of images in, under a tag, and returns its digest.
pub(crate) fn push_index(registry: &str, tag: &str, images: &[&str]) -> String {
    let listed = images.iter().zip(["amd64", "arm64", "riscv64"]).map(|(digest, architecture)| {
        let size = manifest(registry, digest).len();
        let platform = json!({"os": "linux", "architecture": architecture});
        json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform})
    });
    let listed: Vec<Value> = listed.collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed});
    put_manifest(registry, Some(tag), INDEX, index.to_string().as_bytes())
}

/// A manifest's bytes.
pub(crate) fn manifest(registry: &str, name: &str) -> Vec<u8> {
    let answer = call(
        registry,
        "GET",
        &format!("/v2/{REPOSITORY}/manifests/{name}"),
        &format!("{MANIFEST}, {INDEX}"),
        b"",
    );
    body(&answer).to_vec()
}

/// A blob's bytes.
pub(crate) fn blob(registry: &str, digest: &str) -> Vec<u8> {
    body(&call(registry, "GET", &format!("/v2/{REPOSITORY}/blobs/{digest}"), "*/*", b"")).to_vec()
}

/// Lists one thing alone as what refers to an image, in the place of all that was listed.
pub(crate) fn refer(registry: &str, image: &str, referrer: &[u8]) {
    let digest = put_manifest(registry, None, MANIFEST, referrer);
    let listed = json!({"mediaType": MANIFEST, "digest": digest, "size": referrer.len()});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]});
    put_manifest(registry, Some(&image.replace(':', "-")), INDEX, index.to_string().as_bytes());
}

/// Puts what refers to one image beside another one, under the tag by which it is found.
pub(crate) fn move_signatures(registry: &str, from: &str, to: &str) {
    let tag = |digest: &str| digest.replace(':', "-");
    let path = format!("/v2/{REPOSITORY}/manifests/{}", tag(from));
    let index = call(registry, "GET", &path, INDEX, b"");
    put_manifest(registry, Some(&tag(to)), INDEX, body(&index));
}

/// The tags that a registry knows.
pub(crate) fn tags(registry: &str) -> String {
    let answer = call(registry, "GET", &format!("/v2/{REPOSITORY}/tags/list"), "", b"");
    String::from_utf8(body(&answer).to_vec()).unwrap()
}

/// Puts a manifest in, under a tag or its digest alone, and returns that.
pub(crate) fn put_manifest(registry: &str, tag: Option<&str>, kind: &str, manifest: &[u8]) -> String {
    let digest = format!("sha256:{}", Digest::of(manifest));
    let path = format!("/v2/{REPOSITORY}/manifests/{}", tag.unwrap_or(&digest));
    let answer = call(registry, "PUT", &path, kind, manifest);
    assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
    digest
}

/// The same registry with the referrers of the specification's version 1.1, which whoever asks then goes by.
pub(crate) fn with_referrers(registry: &Registry) -> HttpSite {
    let behind = registry.address.clone();
    let known: Mutex<Vec<(String, Value)>> = Mutex::default();
    HttpSite::serve(move |asked| {
        let subject = asked.path().split_once("/referrers/").map(|(_, digest)| digest);
        if let Some(subject) = subject {
            let known = known.lock().unwrap();
            let its: Vec<&Value> = known.iter().filter(|(of, _)| of == subject).map(|(_, one)| one).collect();
            let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": its});
            return Reply::Say(200, vec![format!("content-type: {INDEX}")], index.to_string().into_bytes());
        }
        if asked.method == "PUT" {
            known.lock().unwrap().extend(referrer(&asked.body));
        }
        Reply::Raw(pass_on(&behind, asked))
    })
}

/// What a manifest refers to, and how it is listed there; none where it refers to nothing.
fn referrer(manifest: &[u8]) -> Option<(String, Value)> {
    let said: Value = serde_json::from_slice(manifest).ok()?;
    let subject = said["subject"]["digest"].as_str()?.to_owned();
    let digest = format!("sha256:{}", Digest::of(manifest));
    let listed = json!({
        "mediaType": said["mediaType"], "digest": digest, "size": manifest.len(),
        "artifactType": said["artifactType"], "annotations": said["annotations"],
    });
    Some((subject, listed))
}

/// The whole answer, head and body.
fn pass_on(registry: &str, asked: &Asked) -> Vec<u8> {
    let kept = asked.header.iter().filter(|line| !line.starts_with("connection:"));
    let header: String = kept.map(|line| format!("{line}\r\n")).collect();
    exchange(registry, &format!("{} {}", asked.method, asked.target), &header, &asked.body)
}

fn call(registry: &str, method: &str, target: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let header =
        format!("host: {registry}\r\naccept: {kind}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n");
    exchange(registry, &format!("{method} {target}"), &header, body)
}

fn exchange(registry: &str, line: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(registry).unwrap();
    let head = format!("{line} HTTP/1.1\r\n{header}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn header(answer: &[u8], name: &str) -> String {
    let head = String::from_utf8_lossy(answer).into_owned();
    let line = head.lines().find_map(|line| {
        let (known, value) = line.split_once(": ")?;
        known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

fn body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    &answer[end + 4..]
}
