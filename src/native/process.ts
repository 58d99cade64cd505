import { type Fd, native } from "./addon.ts";

export interface SpawnOptions {
  /** Path of the program: no search in PATH. */
  file: string;
  /** Without the program's own name, which is `file`. */
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** Descriptors 0 to 2: without an Fd, 0 and 1 are /dev/null and 2 is our own. */
  stdio?: { 0?: Fd; 1?: Fd; 2?: Fd };
  /** Descriptors from 3 on. All of them stay the caller's. */
  fds?: readonly Fd[];
  /** Directory of the cgroup to be born in. */
  cgroup?: string;
}

export interface Child {
  pid: number;
  pidfd: Fd;
}

export interface Exit {
  code: number;
  /** 0 unless a signal ended it. */
  signal: number;
}

export interface PidWatch extends Disposable {
  ref(): void;
  unref(): void;
  close(): void;
}

/**
 * Starts a program and returns when its execve has succeeded; NOT_FOUND, PERMISSION_DENIED … otherwise. About half a
 * millisecond, whatever this process's size. The child must be watched (watchPid), or it stays a zombie when it ends.
 */
export function spawn(options: SpawnOptions): Child {
  const { stdio = {}, fds = [] } = options;
  const [pid, pidfd] = native((raw) =>
    raw.spawn({
      file: options.file,
      args: [options.file, ...options.args],
      env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
      fds: [stdio[0] ?? null, stdio[1] ?? null, stdio[2] ?? "inherit", ...fds],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.cgroup === undefined ? {} : { cgroup: options.cgroup }),
    }),
  );
  return { pid, pidfd };
}

/**
 * Calls `onExit` once when the process has ended, with its status if it was our child (which is reaped by that), else with
 * undefined. The descriptor stays the caller's and may be closed at once. Keeps this process alive until then, unless unref'd.
 */
export function watchPid(pidfd: Fd, onExit: (exit: Exit | undefined) => void): PidWatch {
  const raw = native(
    ({ PidWatcher }) =>
      new PidWatcher(pidfd, (code, signal) =>
        onExit(code === null || signal === null ? undefined : { code, signal }),
      ),
  );
  return {
    ref: () => raw.setRef(true),
    unref: () => raw.setRef(false),
    close: () => raw.close(),
    [Symbol.dispose]: () => raw.close(),
  };
}

/** A descriptor that means this process and never a later one of the same PID. NOT_FOUND when there is none. */
export function openPid(pid: number): Fd {
  return native((raw) => raw.openPidfd(pid));
}

/** Sends a signal by number; false when the process is gone. */
export function signalPid(pidfd: Fd, signal: number): boolean {
  return native((raw) => raw.signalPidfd(pidfd, signal));
}
