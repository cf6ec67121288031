//! What the disk takes: the probe beside every figure that waits for it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cost::median;
use crate::failure::Failure;

const WRITES: u64 = 400;
const BYTES: usize = 512;

/// The median time to overwrite 512 bytes of a file that has its length already, and to sync them.
pub(crate) fn sync_time(folder: &Path) -> Result<Duration, Failure> {
    let path = folder.join("sync.probe");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
    let file = file.map_err(Failure::file("open", &path))?;
    let failed = || Failure::file("write", &path);
    file.write_all_at(&vec![0; BYTES * 64], 0).map_err(failed())?;
    file.sync_all().map_err(failed())?;
    let mut took = Vec::new();
    for write in 0..WRITES {
        let began = Instant::now();
        file.write_all_at(&[1; BYTES], write % 64 * 512).map_err(failed())?;
        file.sync_data().map_err(failed())?;
        took.push(began.elapsed());
    }
    std::fs::remove_file(&path).map_err(failed())?;
    Ok(median(took))
}
