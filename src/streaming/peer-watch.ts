/** Milliseconds between two looks at a connection. */
const lookInterval = 5_000;

export interface WatchedPeer {
  /** The connection is not read from, and nothing waits to be written to it. */
  unheard(): boolean;
  /** Sends a few bytes that mean nothing. */
  probe(): void;
  gone(): void;
}

/**
 * Notices peers that are gone or idle. A connection that is not read from, because what it brings has nowhere to go, does not show that its
 * peer has closed it; but the second write to a closed peer fails, so such a connection is probed.
 */
export class PeerWatch {
  readonly #timer: NodeJS.Timeout;
  #lastActive = performance.now();

  /** `idle`: milliseconds without activity after which the peer counts as gone; 0: never. */
  constructor(peer: WatchedPeer, idle: number) {
    this.#timer = setInterval(
      () => {
        if (idle > 0 && performance.now() - this.#lastActive >= idle) peer.gone();
        else if (peer.unheard()) peer.probe();
      },
      idle > 0 ? Math.min(lookInterval, idle / 2) : lookInterval,
    );
    this.#timer.unref();
  }

  /** Bytes went in either direction. */
  active(): void {
    this.#lastActive = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
