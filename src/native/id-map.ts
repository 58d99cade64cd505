/** `[inside, outside, length]`: ids from `inside` on are those from `outside` on in the namespace around. */
export type IdExtent = [number, number, number];

/** The ids of a user namespace. */
export interface IdMap {
  uids: IdExtent[];
  gids: IdExtent[];
}

/** What an id of the namespace is in the one around it; undefined when it has none. */
export function outerId(extents: readonly IdExtent[], id: number): number | undefined {
  for (const [inside, outside, length] of extents) {
    if (id >= inside && id < inside + length) return outside + (id - inside);
  }
  return undefined;
}

/** Whether all of these extents' outer ids exist in a namespace with the ids of `around`. */
export function isWithin(extents: readonly IdExtent[], around: readonly IdExtent[]): boolean {
  return extents.every(([, start, length]) => {
    let next = start;
    // Extents of one map do not overlap, so each step moves on.
    for (;;) {
      if (next >= start + length) return true;
      const holding = around.find(([inside, , count]) => next >= inside && next < inside + count);
      if (holding === undefined) return false;
      next = holding[0] + holding[2];
    }
  });
}
