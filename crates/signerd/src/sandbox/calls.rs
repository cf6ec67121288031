//! The system calls that a confined process does without, and why.

use libc::c_long;

/// The newest call that was looked at (`file_setattr`, Linux 6.17). What comes later is not there for who is confined.
pub(super) const NEWEST: u32 = 469;

pub(super) const CLONE_THREAD: u32 = 0x0001_0000;
/// Every `CLONE_NEW…`.
pub(super) const NEW_NAMESPACES: u32 = 0x7E02_0000;

pub(super) const UNIX: u32 = 1;
pub(super) const INET: u32 = 2;
pub(super) const INET6: u32 = 10;
pub(super) const TCP: u32 = 6;
pub(super) const STREAM: u32 = 1;
/// The type of a socket without the flags beside it.
pub(super) const SOCKET_TYPE: u32 = 0xF;
/// A datagram that is the beginning of a connection, which nobody asks Landlock about.
pub(super) const MSG_FASTOPEN: u32 = 0x2000_0000;
pub(super) const TCP_FASTOPEN_CONNECT: u32 = 30;

/// Typing into the terminal that the launcher was started at: `TIOCSTI`, `TIOCLINUX`. And having the kernel send signals
/// to others, as `fcntl` would: `FIOSETOWN`, `SIOCSPGRP`.
pub(super) const DEVICE_COMMANDS: [u32; 4] = [0x5412, 0x541C, 0x8901, 0x8902];
/// Having the kernel send signals to others: `F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX`.
pub(super) const SIGNAL_COMMANDS: [u32; 3] = [8, 10, 15];
/// Whether others may look in: `PR_SET_DUMPABLE`. A program that was just started lets them until it closes itself.
pub(super) const SET_DUMPABLE: u32 = 4;
/// Letting one of them look in, and being somebody else: `PR_SET_MM`, `PR_SET_PTRACER`.
pub(super) const PRCTL_COMMANDS: [u32; 2] = [35, 0x5961_6D61];

/// Starting processes.
pub(super) const PROCESSES: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_execve,
    libc::SYS_execveat,
];

/// Whose a file is and who may read it: Landlock says nothing about these, and opens no file for them. A file that is
/// open already may still be changed.
pub(super) const MODES: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
];

/// What no confined process does.
pub(super) const FORBIDDEN: &[c_long] = &[
    // Looking into other processes, and taking what they hold.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    // Signals to others in ways that name no process that could be compared.
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    // The course of other processes.
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    // By path; Landlock knows of it from its third version on.
    libc::SYS_truncate,
    // A file by its number instead of its path.
    libc::SYS_open_by_handle_at,
    // Calls that no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Being somebody else.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_personality,
    // Keys and memory that one user's processes share.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // Another view of the files, and the kernel itself.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_fanotify_init,
    libc::SYS_bpf,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    libc::SYS_lookup_dcookie,
];

/// Calls that are the same number everywhere, and younger than the library that names the others.
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const OPEN_TREE_ATTR: c_long = 467;
const FILE_SETATTR: c_long = 469;
