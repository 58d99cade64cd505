/** Values as people read them. Pure functions: what they say depends on their arguments only. */

const units = ["B", "kB", "MB", "GB", "TB"];

/** Bytes in powers of 1000 with three significant digits at most: `4.21 MB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 ? String(value) : String(Number(value.toPrecision(3)));
  return `${digits} ${units[unit]}`;
}

/** How long ago something was, in its largest unit: `3 min`. `at` and `now` are nanoseconds since the epoch; 0 means never. */
export function age(at: number, now = Date.now() * 1e6): string {
  if (at === 0) return "-";
  const seconds = Math.max(0, Math.floor((now - at) / 1e9));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** CPU time in nanoseconds: `1.25 s`. */
export function cpuTime(nanoseconds: number): string {
  if (nanoseconds < 1e9) return `${Math.round(nanoseconds / 1e6)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

/** Enough of an id to tell it from others and to type it. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** `CONTAINER_RUNNING` → `running`. */
export function stateName(names: Record<string, number>, value: number): string {
  return wholeName(names, value)
    .replace(/^(CONTAINER|SANDBOX)_/, "")
    .toLowerCase();
}

/** The items with their states by name, as protobuf's JSON form and crictl have them. */
export function withStateNames<T extends { state: number }>(
  names: Record<string, number>,
  items: readonly T[],
): (Omit<T, "state"> & { state: string })[] {
  return items.map((item) => ({ ...item, state: wholeName(names, item.state) }));
}

function wholeName(names: Record<string, number>, value: number): string {
  return Object.keys(names).find((key) => names[key] === value) ?? String(value);
}
