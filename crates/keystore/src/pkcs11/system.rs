//! What only the operating system can give: connections that pass from one process to another, and a child that does
//! not outlive its parent.
//!
//! Everything in this room that is Linux alone stands here and nowhere else.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::wire::SESSIONS_MAX;

/// Passes connections to whoever is at the other end, along with one byte.
pub(super) fn pass(control: &UnixStream, connections: &[UnixStream]) -> io::Result<()> {
    if connections.is_empty() {
        return Ok(());
    }
    let descriptors: Vec<_> = connections.iter().map(|stream| stream.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SESSIONS_MAX))];
    let mut passed = SendAncillaryBuffer::new(&mut space);
    if !passed.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(control, &[IoSlice::new(&[0])], &mut passed, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes as many connections as were passed.
pub(super) fn receive(control: &UnixStream, count: usize) -> io::Result<Vec<UnixStream>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SESSIONS_MAX))];
    let mut passed = RecvAncillaryBuffer::new(&mut space);
    recvmsg(control, &mut [IoSliceMut::new(&mut [0])], &mut passed, RecvFlags::CMSG_CLOEXEC)?;
    let rights = passed.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let connections: Vec<UnixStream> = rights.flatten().map(|one: OwnedFd| UnixStream::from(one)).collect();
    if connections.len() == count { Ok(connections) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Has the system kill this process when the thread ends that started it.
pub(super) fn die_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Is this process the parent? One that was gone before its death was asked for is told of by nobody.
pub(super) fn is_parent(process: u32) -> bool {
    getppid().is_some_and(|parent| parent.as_raw_nonzero().get().unsigned_abs() == process)
}
