const growthBytes = 4 * 1024 * 1024;
/** Garbage of calls that go on: to collect it takes longer than many of them, so a busy daemon is left alone below this. */
const busyGrowthBytes = 16 * 1024 * 1024;
/** A daemon that is only polled by a kubelet uses less of a core than this, but for the moments of the polls themselves. */
const busyShare = 0.03;
/** What leaves behind so much garbage that it is worth collecting when it is over: pulls, and pods by the dozen. */
const workShare = 0.15;
const leastPauseMs = 2000;
/** The longest that a daemon which is polled without end waits before it collects by itself; V8 does in the meantime when it has to. */
const mostPauseMs = 64_000;

/**
 * When a process should collect its garbage and give memory back: a collection of a heap that knows hundreds of pods takes as long as many
 * calls, so that one which only made room for what the next calls need anyway is put off, twice as long each time.
 */
export class Tidiness {
  #settled = 0;
  #worked = false;
  #pauseMs = leastPauseMs;
  /** When it was due for growth last; milliseconds. */
  #last = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds, the processor time since the last question as a part of a core, resident bytes. */
  due(now: number, share: number, resident: number): boolean {
    const busy = share > busyShare;
    this.#worked ||= share > workShare;
    // What was collected under load is measured with the garbage of that moment: idle, it is worth another look.
    if (this.#worked && !busy) {
      this.#worked = false;
      return true;
    }
    if (resident < this.#settled + (busy ? busyGrowthBytes : growthBytes)) return false;
    const since = now - this.#last;
    if (since < this.#pauseMs) return false;
    const again = since < 2 * this.#pauseMs;
    this.#pauseMs = again ? Math.min(2 * this.#pauseMs, mostPauseMs) : leastPauseMs;
    this.#last = now;
    return true;
  }

  /** It has been done: so many bytes were left. */
  done(resident: number): void {
    this.#settled = resident;
  }
}
