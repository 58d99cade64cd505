import type { RuntimeSeccomp, SeccompArgument, SeccompRule } from "../oci-runtime.ts";

/**
 * The RuntimeDefault seccomp profile: an allow list of what programs need, after the rules that Docker's default made common.
 * Everything else fails with EPERM. Names that the kernel or the architecture lacks are skipped by the monitor.
 * Left out on purpose: io_uring (a steady source of kernel holes), userfaultfd, keyctl and its kin (keys are not namespaced),
 * AF_VSOCK sockets, and new namespaces without CAP_SYS_ADMIN.
 */
const allowed = {
  files: `access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
    fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr
    flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents
    getdents64 getxattr getxattrat lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr _llseek lremovexattr
    lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv
    preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2
    rmdir sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range
    sync_file_range2 syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev`,
  waiting: `alarm clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
    fanotify_mark getitimer gettimeofday inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
    io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit nanosleep _newselect pause poll ppoll ppoll_time64 pselect6
    pselect6_time64 select setitimer signalfd signalfd4 time timer_create timer_delete timer_getoverrun timer_gettime
    timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  memory: `brk cachestat get_mempolicy madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap
    mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`,
  processes: `capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
    get_robust_list get_thread_area getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp
    getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid
    getuid32 ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self membarrier
    pidfd_open pidfd_send_signal pipe pipe2 prctl prlimit64 process_madvise ptrace restart_syscall rseq rt_sigaction rt_sigpending
    rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
    seccomp set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
    setgroups32 setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit
    setsid setuid setuid32 sigaltstack sigprocmask sigreturn sysinfo tgkill times tkill ugetrlimit uname vfork wait4
    waitid waitpid process_vm_readv process_vm_writev`,
  talking: `accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv recvfrom
    recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat
    shmctl shmdt shmget shutdown socketcall socketpair`,
};

const ofArchitecture: Record<string, { architectures: string[]; allowed: string }> = {
  x64: {
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    allowed: "arch_prctl modify_ldt",
  },
  arm64: {
    architectures: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
    allowed: "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls",
  },
};

/** What a capability opens: calls that fail without it anyway, or are only safe with it. */
const ofCapability: Record<string, string> = {
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns statmount syslog umount umount2 unshare`,
  CAP_BPF: "bpf",
  CAP_PERFMON: "perf_event_open",
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module init_module finit_module",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd",
  CAP_SYS_RAWIO: "iopl ioperm",
  CAP_SYS_TIME: "settimeofday stime clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYSLOG: "syslog",
};

const afVsock = 40;
const enosys = 38;
/** CLONE_NEW{CGROUP,NS,UTS,IPC,USER,PID,NET} of linux/sched.h. */
const namespaceFlags = 0x7e020000;
/** Personalities that are harmless: PER_LINUX, PER_LINUX32 (with and without UNAME26), and asking (0xffffffff). */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** The profile for a container that was granted `capabilities` (`CAP_…`), on `architecture` as Node names it. */
export function defaultSeccompProfile(
  capabilities: readonly string[],
  architecture: string = process.arch,
): RuntimeSeccomp {
  const platform = ofArchitecture[architecture];
  const rules: SeccompRule[] = [
    allow(Object.values(allowed).join(" ")),
    ...personalities.map((value) => allow("personality", [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
    allow("socket", [{ index: 0, value: afVsock, op: "SCMP_CMP_NE" }]),
    ...(platform === undefined ? [] : [allow(platform.allowed)]),
    ...capabilities.flatMap((name) => (ofCapability[name] === undefined ? [] : [allow(ofCapability[name])])),
  ];
  if (!capabilities.includes("CAP_SYS_ADMIN")) {
    rules.push(
      allow("clone", [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
      // Its flags lie in memory, where a filter cannot look: ENOSYS makes the C library fall back to clone.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: enosys },
    );
  }
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    ...(platform === undefined ? {} : { architectures: platform.architectures }),
    syscalls: rules,
  };
}

function allow(names: string, args?: SeccompArgument[]): SeccompRule {
  return {
    names: names.trim().split(/\s+/),
    action: "SCMP_ACT_ALLOW",
    ...(args === undefined ? {} : { args }),
  };
}
