import type { Outgoing } from "#cri";
import { encoded } from "../../../proto/contract.ts";

/**
 * Makes and encodes the message of an object, which is never changed in place, once: a list that is asked for again and again is then put together of
 * bytes. `name` is that of the message in the contract.
 */
export function encodedOnce<O extends object, T>(
  name: string,
  make: (object: O) => Outgoing<T>,
): (object: O) => Outgoing<T> {
  const kept = new WeakMap<O, Outgoing<T>>();
  return (object) => {
    const known = kept.get(object);
    if (known !== undefined) return known;
    const message = encoded(name, make(object));
    kept.set(object, message);
    return message;
  };
}
