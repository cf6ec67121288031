//! Memory for secrets: where the kernel lets us, in pages that no other process can read, not even root's, and that
//! are in no core dump and on no swap.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use keystore::Kept;
use zeroize::{Zeroize, Zeroizing};

/// Where secrets are kept on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `memfd_secret`: pages that are mapped nowhere but here, the kernel's own map included.
    Hidden,
    /// Ordinary pages that are locked into memory and left out of core dumps.
    Locked,
    /// Ordinary pages that are left out of core dumps.
    Ordinary,
}

/// A secret in pages of its own, wiped when it is dropped.
struct Pages {
    base: NonNull<u8>,
    length: usize,
    place: Place,
}

// SAFETY: the pages belong to this value alone and are only read while it is shared.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

/// Takes a secret out of ordinary memory, which is wiped. Where there is no memory to be had, it stays where it is.
pub(crate) fn keep(secret: Zeroizing<Vec<u8>>) -> Kept {
    match Pages::holding(&secret) {
        Some(pages) => Arc::new(pages),
        None => Arc::new(secret),
    }
}

/// Where [`keep`] puts what it is given.
pub(crate) fn place() -> Place {
    Pages::holding(&[0]).map_or(Place::Ordinary, |pages| pages.place)
}

impl Pages {
    fn holding(secret: &[u8]) -> Option<Self> {
        let length = secret.len();
        let (base, place) = hidden(length).map(|base| (base, Place::Hidden)).or_else(|| ordinary(length))?;
        // SAFETY: the pages are mapped for reading and writing, are new, and are at least as long as the secret.
        unsafe { ptr::copy_nonoverlapping(secret.as_ptr(), base.as_ptr(), length) };
        Some(Self { base, length, place })
    }
}

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the pages live as long as `self`, were written up to this length, and are not written any more.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: nobody else holds a reference any more, and the pages are still mapped.
        unsafe {
            std::slice::from_raw_parts_mut(self.base.as_ptr(), self.length).zeroize();
            libc::munmap(self.base.as_ptr().cast(), self.length);
        }
    }
}

fn hidden(length: usize) -> Option<NonNull<u8>> {
    // SAFETY: the call takes flags alone.
    let made = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let descriptor = i32::try_from(made).ok().filter(|descriptor| *descriptor >= 0)?;
    // SAFETY: the kernel gave the descriptor just now, and nobody else knows it.
    let file = unsafe { OwnedFd::from_raw_fd(descriptor) };
    rustix::fs::ftruncate(&file, u64::try_from(length).ok()?).ok()?;
    map(length, libc::MAP_SHARED, file.as_raw_fd())
}

fn ordinary(length: usize) -> Option<(NonNull<u8>, Place)> {
    let base = map(length, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
    // SAFETY: the range was mapped just now.
    let locked = unsafe {
        libc::madvise(base.as_ptr().cast(), length, libc::MADV_DONTDUMP);
        libc::mlock(base.as_ptr().cast(), length)
    };
    Some((base, if locked == 0 { Place::Locked } else { Place::Ordinary }))
}

fn map(length: usize, flags: libc::c_int, file: libc::c_int) -> Option<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses a place that is free, and the descriptor is open or none.
    let base = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, file, 0) };
    (base != libc::MAP_FAILED).then(|| NonNull::new(base.cast())).flatten()
}
