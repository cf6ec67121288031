//! A server that was taken over while it runs: its own process makes the system calls that a test asks of it, in its
//! place, under its walls and as its user.
//!
//! The test holds the server's first thread as a debugger does, and has it step through one system call at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::ptr;

use libc::{c_long, c_void, user_regs_struct};

/// The instruction that makes a system call.
const SYSCALL: [u8; 2] = [0x0F, 0x05];

/// How far below the top of its stack the thread is given things to read.
const BELOW: u64 = 64 * 1024;

/// What a system call came to: what it returned, or the number of its error.
pub(crate) type Outcome = Result<u64, i32>;

/// A process that does what a test wants, until it is let go.
pub(crate) struct TakenOver {
    process: i32,
    memory: File,
    before: user_regs_struct,
    instruction: u64,
    room: u64,
}

/// An argument of a system call.
pub(crate) enum Argument<'a> {
    Number(u64),
    /// The address of these bytes.
    Bytes(&'a [u8]),
    /// The address of this text, with the zero behind it.
    Text(&'a str),
}

impl TakenOver {
    /// Takes a process over.
    pub(crate) fn of(process: i32) -> io::Result<Self> {
        trace(libc::PTRACE_SEIZE, process, ptr::null_mut())?;
        trace(libc::PTRACE_INTERRUPT, process, ptr::null_mut())?;
        await_stop(process)?;
        let before = registers(process)?;
        let memory = OpenOptions::new().read(true).write(true).open(format!("/proc/{process}/mem"))?;
        let instruction = find_instruction(process, &memory)?;
        let room = (before.rsp - BELOW) & !0xF;
        Ok(Self { process, memory, before, instruction, room })
    }

    /// Has it make a system call.
    pub(crate) fn call(&mut self, number: c_long, arguments: &[Argument<'_>]) -> Outcome {
        let mut values = [0; 6];
        let mut at = self.room;
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = match argument {
                Argument::Number(number) => *number,
                Argument::Bytes(bytes) => self.put(&mut at, bytes),
                Argument::Text(text) => self.put(&mut at, &[text.as_bytes(), b"\0"].concat()),
            };
        }
        let mut changed = self.before;
        changed.rip = self.instruction;
        changed.rax = number as u64;
        changed.orig_rax = u64::MAX;
        [changed.rdi, changed.rsi, changed.rdx, changed.r10, changed.r8, changed.r9] = values;
        self.set(&changed);
        trace(libc::PTRACE_SINGLESTEP, self.process, ptr::null_mut()).unwrap();
        await_stop(self.process).unwrap();
        let returned = registers(self.process).unwrap().rax as i64;
        if (-4095..0).contains(&returned) { Err(-returned as i32) } else { Ok(returned as u64) }
    }

    /// What stands where the last call was given room for bytes, first of all.
    pub(crate) fn read_back(&self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.memory.read_exact_at(&mut bytes, self.room).unwrap();
        bytes
    }

    /// The address that the first bytes among the arguments of a call get.
    pub(crate) const fn first_address(&self) -> u64 {
        self.room
    }

    fn put(&self, at: &mut u64, bytes: &[u8]) -> u64 {
        let address = *at;
        self.memory.write_all_at(bytes, address).unwrap();
        *at = (address + bytes.len() as u64).next_multiple_of(16);
        assert!(*at < self.before.rsp - 1024, "the room is used up");
        address
    }

    fn set(&self, registers: &user_regs_struct) {
        let at = ptr::from_ref(registers).cast_mut().cast();
        trace(libc::PTRACE_SETREGS, self.process, at).unwrap();
    }
}

impl Drop for TakenOver {
    /// Lets it go on as if nothing had been.
    fn drop(&mut self) {
        self.set(&self.before);
        trace(libc::PTRACE_DETACH, self.process, ptr::null_mut()).unwrap();
    }
}

fn trace(request: libc::c_uint, process: i32, at: *mut c_void) -> io::Result<()> {
    // SAFETY: what `at` points to is what the request takes, and lives through the call.
    match unsafe { libc::ptrace(request, process, ptr::null_mut::<c_void>(), at) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn registers(process: i32) -> io::Result<user_regs_struct> {
    // SAFETY: zeroes are registers, and the call fills them in.
    let mut registers: user_regs_struct = unsafe { std::mem::zeroed() };
    trace(libc::PTRACE_GETREGS, process, ptr::from_mut(&mut registers).cast())?;
    Ok(registers)
}

fn await_stop(process: i32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the pointer is to a value that lives through the call.
    let waited = unsafe { libc::waitpid(process, &raw mut status, libc::__WALL) };
    if waited != process || !libc::WIFSTOPPED(status) {
        return Err(io::Error::other(format!("it did not stop: {waited}, status {status:x}")));
    }
    Ok(())
}

/// Where in what it may execute a system call stands.
fn find_instruction(process: i32, memory: &File) -> io::Result<u64> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    for line in maps.lines().filter(|line| line.contains(" r-xp ") && line.contains("libc")) {
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        memory.read_exact_at(&mut bytes, begin)?;
        if let Some(at) = bytes.windows(2).position(|two| two == SYSCALL) {
            return Ok(begin + at as u64);
        }
    }
    Err(io::Error::other("it has no system call in its libc"))
}
