//! The filter of system calls: what a confined process never needs is not there for it.
//!
//! Most calls are decided by their number alone, which the kernel remembers, so that they cost nothing. A call that is
//! younger than this filter is answered as by a kernel that does not know it.
//!
//! Specification: the kernel's `Documentation/userspace-api/seccomp_filter.rst`.

use std::io;

use super::calls::{self, NEWEST};
use super::confine::{Confines, Filter, Modes, Network, Programs};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

const RET_KILL_PROCESS: u32 = 0x8000_0000;
const RET_ALLOW: u32 = 0x7FFF_0000;
const RET_EPERM: u32 = 0x0005_0001;
const RET_ENOSYS: u32 = 0x0005_0026;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where the parts of a call stand in what the filter is shown: its number, its architecture, its arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Puts the filter on this thread and all that it starts.
pub(crate) fn install(confines: &Confines) -> io::Result<Filter> {
    let Some(architecture) = ARCHITECTURE else { return Ok(Filter::NotHere) };
    let own = u32::try_from(rustix::process::getpid().as_raw_nonzero().get()).map_err(io::Error::other)?;
    let mut program = program(architecture, confines, own);
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let described = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: the pointer is to a description of a program, both of which live through the call.
    let installed = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, std::ptr::from_ref(&described))
    };
    if installed == 0 {
        return Ok(Filter::Installed);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => Ok(Filter::NotHere),
        _ => Err(error),
    }
}

/// The filter of a process with this number.
fn program(architecture: u32, confines: &Confines, own: u32) -> Vec<libc::sock_filter> {
    let mut program = vec![
        load(ARCHITECTURE_AT),
        step(IF_EQUAL, architecture, 1, 0),
        end(RET_KILL_PROCESS),
        load(NUMBER),
        step(IF_GREATER, NEWEST, 0, 1),
        end(RET_ENOSYS),
    ];
    let mut on = |call: libc::c_long, block: &[libc::sock_filter]| {
        let past = u8::try_from(block.len()).expect("a block is a handful of steps");
        program.push(step(IF_EQUAL, number(call), 0, past));
        program.extend_from_slice(block);
    };
    // What is called all the time stands first.
    on(libc::SYS_sendto, &forbid_bits(3, calls::MSG_FASTOPEN));
    on(libc::SYS_sendmsg, &forbid_bits(2, calls::MSG_FASTOPEN));
    on(libc::SYS_sendmmsg, &forbid_bits(3, calls::MSG_FASTOPEN));
    on(libc::SYS_ioctl, &forbid(1, &calls::DEVICE_COMMANDS));
    on(libc::SYS_fcntl, &forbid(1, &calls::SIGNAL_COMMANDS));
    on(libc::SYS_prctl, &closing_alone());
    on(libc::SYS_setsockopt, &no_delayed_connect());
    on(libc::SYS_prlimit64, &permit(0, &[0, own]));
    on(libc::SYS_clone3, &[end(RET_ENOSYS)]);
    match confines.network {
        Network::None => on(libc::SYS_socket, &permit(0, &[calls::UNIX])),
        Network::Listen(_) => on(libc::SYS_socket, &streams()),
        Network::Any => {}
    }
    match confines.programs {
        Programs::None => {
            on(libc::SYS_clone, &threads_only());
            on(libc::SYS_kill, &permit(0, &[own]));
            on(libc::SYS_tgkill, &permit(0, &[own]));
            calls::PROCESSES.iter().for_each(|call| on(*call, &[end(RET_EPERM)]));
        }
        Programs::Own => on(libc::SYS_clone, &forbid_bits(0, calls::NEW_NAMESPACES)),
    }
    if confines.modes == Modes::Left {
        calls::MODES.iter().for_each(|call| on(*call, &[end(RET_EPERM)]));
    }
    calls::FORBIDDEN.iter().for_each(|call| on(*call, &[end(RET_EPERM)]));
    program.push(end(RET_ALLOW));
    program
}

/// Only these values of an argument.
fn permit(argument: u32, values: &[u32]) -> Vec<libc::sock_filter> {
    let mut block = vec![load(at(argument))];
    for value in values {
        block.extend([step(IF_EQUAL, *value, 0, 1), end(RET_ALLOW)]);
    }
    block.push(end(RET_EPERM));
    block
}

/// Any value of an argument but these.
fn forbid(argument: u32, values: &[u32]) -> Vec<libc::sock_filter> {
    let mut block = vec![load(at(argument))];
    for value in values {
        block.extend([step(IF_EQUAL, *value, 0, 1), end(RET_EPERM)]);
    }
    block.push(end(RET_ALLOW));
    block
}

/// None of these bits in an argument.
fn forbid_bits(argument: u32, bits: u32) -> [libc::sock_filter; 4] {
    [load(at(argument)), step(IF_BITS, bits, 0, 1), end(RET_EPERM), end(RET_ALLOW)]
}

/// `clone` makes threads, and no processes.
fn threads_only() -> [libc::sock_filter; 4] {
    [load(at(0)), step(IF_BITS, calls::CLONE_THREAD, 0, 1), end(RET_ALLOW), end(RET_EPERM)]
}

/// A process may be closed to others, and never opened; and none of the other commands.
fn closing_alone() -> Vec<libc::sock_filter> {
    let closing = [
        load(at(0)),
        step(IF_EQUAL, calls::SET_DUMPABLE, 0, 4),
        load(at(1)),
        step(IF_EQUAL, 0, 0, 1),
        end(RET_ALLOW),
        end(RET_EPERM),
    ];
    [&closing[..], &forbid(0, &calls::PRCTL_COMMANDS)].concat()
}

/// Local sockets, and TCP; no datagrams, no raw packets, no other protocols.
fn streams() -> [libc::sock_filter; 13] {
    [
        load(at(0)),
        step(IF_EQUAL, calls::UNIX, 0, 1),
        end(RET_ALLOW),
        step(IF_EQUAL, calls::INET, 1, 0),
        step(IF_EQUAL, calls::INET6, 0, 7),
        load(at(1)),
        step(AND, calls::SOCKET_TYPE, 0, 0),
        step(IF_EQUAL, calls::STREAM, 0, 4),
        load(at(2)),
        step(IF_EQUAL, 0, 1, 0),
        step(IF_EQUAL, calls::TCP, 0, 1),
        end(RET_ALLOW),
        end(RET_EPERM),
    ]
}

/// A connection that is made with the first byte passes by Landlock on some kernels.
fn no_delayed_connect() -> [libc::sock_filter; 6] {
    [
        load(at(1)),
        step(IF_EQUAL, calls::TCP, 0, 3),
        load(at(2)),
        step(IF_EQUAL, calls::TCP_FASTOPEN_CONNECT, 0, 1),
        end(RET_EPERM),
        end(RET_ALLOW),
    ]
}

/// Where the lower half of an argument stands. What is compared here are flags, descriptors and numbers of processes:
/// the kernel takes their lower halves too.
#[cfg(target_endian = "little")]
const fn at(argument: u32) -> u32 {
    ARGUMENTS + 8 * argument
}

#[cfg(target_endian = "big")]
const fn at(argument: u32) -> u32 {
    ARGUMENTS + 8 * argument + 4
}

fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).expect("the number of a system call is a small one")
}

const fn load(offset: u32) -> libc::sock_filter {
    step(LOAD, offset, 0, 0)
}

const fn end(verdict: u32) -> libc::sock_filter {
    step(RETURN, verdict, 0, 0)
}

const fn step(code: u16, k: u32, yes: u8, no: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt: yes, jf: no, k }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_kernel_is_not_made_to_send_signals_to_other_processes() {
        let (socket, _other) = UnixStream::pair().unwrap();
        // The filter holds for the thread that puts it on, and ends with it.
        let tried = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            if install(&Confines::default()).unwrap() == Filter::NotHere {
                return testkit::skip("seccomp", "this system has no filter of system calls");
            }
            let (own, file) = (rustix::process::getpid().as_raw_nonzero().get(), socket.as_raw_fd());
            for command in [libc::F_SETOWN, 10] {
                // SAFETY: the descriptor is open, and the argument is a number.
                assert_eq!(unsafe { libc::fcntl(file, command, own) }, -1, "{command}");
            }
            for command in [0x8901, 0x8902] {
                // SAFETY: the descriptor is open, and the pointer is to a number that lives through the call.
                assert_eq!(unsafe { libc::ioctl(file, command, &raw const own) }, -1, "{command:#x}");
            }
        });
        tried.join().unwrap();
    }
}
