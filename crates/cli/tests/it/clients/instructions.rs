//! What `avouch sigstore env` tells of clients: run as it is printed where the client is here, and complete where it is not.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use testkit::Tool;

use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;

const CLIENTS: [&str; 6] =
    ["cosign", "sigstore-python", "sigstore-js", "gitsign", "policy-controller", "kyverno"];

/// What is printed for a client.
pub(super) fn instructions(world: &World, client: &str) -> String {
    let issuer = world.issuer.url();
    world.site.good(&["sigstore", "env", client, "--identity", ADA, "--issuer", &issuer])
}

/// Runs printed lines as whoever has a token, with these tools on the path.
pub(super) fn run(world: &World, lines: &str, tools: &[&Tool], folder: &Path) -> Output {
    let folders = tools.iter().map(|tool| tool.path().parent().unwrap().display().to_string());
    let path: Vec<String> = folders.chain(["/usr/bin".to_owned(), "/bin".to_owned()]).collect();
    let token = world.token(ADA);
    let mut command = Command::new("sh");
    command.args(["-ec", lines]).current_dir(folder).env_clear().env("PATH", path.join(":"));
    command.env("HOME", world.site.folder.path()).env("FILE", "app.tar");
    command.env("SIGSTORE_ID_TOKEN", &token).env("SIGSTORE_IDENTITY_TOKEN", &token);
    command.output().unwrap()
}

fn good(world: &World, lines: &str, tools: &[&Tool]) {
    let output = run(world, lines, tools, world.site.folder.path());
    assert!(output.status.success(), "{lines}\n{}", text(&output));
    // What was signed verifies by our own word, too.
    let issuer = world.issuer.url();
    world.site.good(&["verify", "app.tar", "--identity", ADA, "--issuer", &issuer]);
    fs::remove_file(world.site.path("app.tar.sigstore.json")).unwrap();
}

#[test]
fn interop_what_is_told_of_clients_signs_and_verifies_as_it_is_printed() {
    let world = World::new();
    if let Some(cosign) = testkit::tool("cosign") {
        let told = instructions(&world, "cosign");
        // Images have a test of their own.
        let files: Vec<&str> = told.lines().filter(|line| !line.contains("$IMAGE")).collect();
        good(&world, &files.join("\n"), &[&cosign]);
    }
    if let Some(python) = testkit::tool("sigstore-python") {
        let told = instructions(&world, "sigstore-python").replace("\nsigstore ", "\nsigstore-python ");
        good(&world, &told, &[&python]);
    }
    if let Some(node) = testkit::sigstore_js_client("@sigstore/sign") {
        fs::write(world.site.path("sigstore.cjs"), instructions(&world, "sigstore-js")).unwrap();
        let modules = node.modules().unwrap().display().to_string();
        let lines = format!("NODE_EXTRA_CA_CERTS=sigstore/ca.pem NODE_PATH='{modules}' node sigstore.cjs");
        good(&world, &lines, &[&node]);
    }
}

#[test]
fn what_is_told_of_every_client_is_filled_in_and_names_files_that_are_there() {
    let world = World::new();
    // As a platform has it that keeps a TUF repository, and a log for clients of Rekor v1.
    for name in ["root.json", "rekor.pub"] {
        let path = world.site.path(&format!("sigstore/{name}"));
        if !Path::new(&path).exists() {
            fs::write(path, "{}").unwrap();
        }
    }
    for client in CLIENTS {
        let told = instructions(&world, client);
        let words = || told.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./@".contains(c)));
        for word in ["FILES", "URL", "ISSUER", "IDENTITY", "ROOT"] {
            assert!(words().all(|one| one != word), "{client}: {word} in\n{told}");
        }
        for named in words().filter(|word| word.starts_with("sigstore/") && word.contains('.')) {
            assert!(Path::new(&world.site.path(named)).exists(), "{client}: {named}");
        }
        assert!(told.contains(ADA) && told.contains(&world.issuer.url()), "{client}:\n{told}");
    }
    let (code, said) = world.site.run(&["sigstore", "env", "cosign", "--identity", "a'; rm -r ~; '"]);
    assert!(code == 3 && said.contains("a quote"), "{code}: {said}");
    let (code, said) = world.site.run(&["sigstore", "env", "cosign", "--files", "elsewhere"]);
    assert!(code == 3 && said.contains("avouch sigstore files"), "{code}: {said}");
}
