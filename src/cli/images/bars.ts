import { type LayerProgress, LayerProgressState } from "#lichen";
import { colours } from "../colours.ts";
import { bytes, shortId } from "../format.ts";

export interface BarsOptions {
  /** Width of the terminal; no line is longer. */
  columns: number;
  /** Lines that there is room for. */
  rows: number;
  /** Bytes per second; undefined when not known. */
  speed: number | undefined;
  /** Whether the terminal shows more than ASCII. */
  unicode: boolean;
}

const idColumns = 12;
const amountColumns = 17;
const widestBar = 40;
/** A bar shorter than this says nothing. */
const leastBar = 8;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A line a layer that is on its way or has come, and one for all of them: what a person who waits wants to see. */
export function bars(layers: readonly LayerProgress[], options: BarsOptions): string[] {
  const moving = layers.filter(({ state }) => state !== LayerProgressState.PRESENT);
  // Where not all have room, those that are done are of the least interest.
  const waiting = [...moving].sort((one, other) => Number(isDone(one)) - Number(isDone(other)));
  const shown = new Set(waiting.slice(0, Math.max(1, options.rows - 1)));
  const lines = moving.filter((layer) => shown.has(layer)).map((layer) => layerLine(layer, options));
  return [...lines, totalLine(layers, moving, options.speed, options.columns)];
}

function isDone({ state }: LayerProgress): boolean {
  return state === LayerProgressState.DONE;
}

function layerLine(layer: LayerProgress, { columns, unicode }: BarsOptions): string {
  const part = layer.size === 0 ? 1 : Math.min(1, layer.received / layer.size);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const amount = isDone(layer)
    ? bytes(layer.size).padStart(amountColumns)
    : `${bytes(layer.received)} of ${bytes(layer.size)}`.padStart(amountColumns);
  const width = Math.min(widestBar, columns - 1 - idColumns - percent.length - amount.length - 6);
  const bar = width < leastBar ? "" : `${filled(part, width, unicode)}  `;
  return `${shortId(layer.digest)}  ${bar}${percent}  ${amount}`.trimEnd();
}

/** A bar of `width` cells, filled to an eighth of a cell. */
function filled(part: number, width: number, unicode: boolean): string {
  if (!unicode) {
    const full = Math.floor(part * width);
    return `${"#".repeat(full)}${"-".repeat(width - full)}`;
  }
  const cells = Math.floor(part * width * 8);
  const full = "█".repeat(cells >> 3) + (eighths[cells & 7] ?? "");
  return colours.green(full) + colours.dim("·".repeat(width - Math.ceil(cells / 8)));
}

function totalLine(
  layers: readonly LayerProgress[],
  moving: readonly LayerProgress[],
  speed: number | undefined,
  columns: number,
): string {
  const size = sum(moving, "size");
  const received = sum(moving, "received");
  const done = layers.filter(({ state }) => state !== LayerProgressState.COMING).length;
  const parts = [`${done} of ${layers.length} layers`, `${bytes(received)} of ${bytes(size)}`];
  if (speed !== undefined) parts.push(`${bytes(Math.round(speed))}/s`);
  if (speed !== undefined && speed > 0 && received < size)
    parts.push(`${duration((size - received) / speed)} left`);
  return parts.join("  ").slice(0, columns - 1);
}

/** The sum of one member over all layers. */
export function sum(layers: readonly LayerProgress[], member: "size" | "received"): number {
  return layers.reduce((total, layer) => total + layer[member], 0);
}

/** `7 s`, `2 min 5 s`, `1 h 4 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
