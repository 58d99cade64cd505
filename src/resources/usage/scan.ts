// Numbers out of the kernel's small texts, without taking them apart: thousands of these are read for one answer about hundreds of pods, and
// every piece cut out of them would be garbage.

const zero = 48;
const dot = 46;

/** The decimal number that begins at `at`, fractions included; 0 where none does. */
export function numberAt(text: string, at: number): number {
  let value = 0;
  let place = at;
  for (let digit = digitAt(text, place); digit >= 0; digit = digitAt(text, ++place))
    value = value * 10 + digit;
  if (text.charCodeAt(place) !== dot) return value;
  let scale = 1;
  let fraction = 0;
  for (let digit = digitAt(text, ++place); digit >= 0; digit = digitAt(text, ++place)) {
    fraction = fraction * 10 + digit;
    scale *= 10;
  }
  return value + fraction / scale;
}

/** The value of the digit at `at`, or -1. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - zero;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** Where the value begins in the line `KEY VALUE` or `KEY: VALUE` (`key` with its separator, "KEY "); -1 when there is no such line. */
export function valueStart(text: string, key: string): number {
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
    if (at > 0 && text.charCodeAt(at - 1) !== 10) continue;
    return afterSpaces(text, at + key.length);
  }
  return -1;
}

/** The first place from `at` on that is no space. */
export function afterSpaces(text: string, at: number): number {
  let place = at;
  while (text.charCodeAt(place) === 32) place++;
  return place;
}

/** The number of the line `KEY NUMBER` ("flat keyed" in cgroup-v2.rst; `key` with its space); undefined when there is no such line. */
export function flatNumber(text: string | undefined, key: string): number | undefined {
  if (text === undefined) return undefined;
  const at = valueStart(text, key);
  return at < 0 || digitAt(text, at) < 0 ? undefined : numberAt(text, at);
}

/** The place behind `count` more spaces from `at`; the text's length when there are fewer. */
export function skipFields(text: string, at: number, count: number): number {
  let place = at;
  for (let left = count; left > 0; left--) {
    const space = text.indexOf(" ", place);
    if (space < 0) return text.length;
    place = space + 1;
  }
  return place;
}
