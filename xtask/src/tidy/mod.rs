//! `cargo xtask tidy`: the rules of the house, each a plain function from what is there to what is wrong with it.

mod advisories;
mod floors;
mod homes;
mod key_process;
mod licence;
mod source;
mod supply;
mod texts;

use std::fmt;
use std::path::Path;

use crate::failure::Failure;
use crate::metadata::{self, Metadata};

/// Something that a rule has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    weight: Weight,
    text: String,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// To be looked at some day.
    Warning,
    /// To be put right now.
    Broken,
}

impl Finding {
    fn broken(text: String) -> Self {
        Self { weight: Weight::Broken, text }
    }

    fn warning(text: String) -> Self {
        Self { weight: Weight::Warning, text }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Broken => "broken",
        };
        write!(f, "{weight}: {}", self.text)
    }
}

const EDGES_GOLDEN: &str = "xtask/edges.golden";
const KEY_PROCESS_GOLDEN: &str = "xtask/signerd.golden";

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let bless = match arguments {
        [] => false,
        ["--bless"] => true,
        _ => return Err(Failure::Usage { said: "usage: cargo xtask tidy [--bless]".to_owned() }),
    };
    let root = metadata::root();
    let metadata = Metadata::read()?;
    let sources = source::read_all(root)?;
    let weight = key_process::weigh(&sources)?;
    println!("{weight}");
    if bless {
        write(&root.join(EDGES_GOLDEN), &floors::golden(&metadata))?;
        write(&root.join(KEY_PROCESS_GOLDEN), &weight.golden())?;
    }
    let mut findings = floors::judge(&metadata, &read(&root.join(EDGES_GOLDEN))?);
    findings.extend(key_process::judge(&weight, &read(&root.join(KEY_PROCESS_GOLDEN))?));
    findings.extend(homes::judge_dependencies(&metadata));
    findings.extend(homes::judge_sources(&sources));
    findings.extend(texts::judge(&sources));
    findings.extend(advisories::judge(&sources));
    findings.extend(supply::judge(&metadata, &supply::shipped()?, &read(&root.join("deny.toml"))?)?);
    conclude(&findings)
}

fn conclude(findings: &[Finding]) -> Result<(), Failure> {
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.iter().filter(|finding| finding.weight == Weight::Broken).count() {
        0 => {
            println!("tidy");
            Ok(())
        }
        count => Err(Failure::Untidy { count }),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
