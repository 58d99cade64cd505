import type { Outgoing } from "#cri";
import { encoded } from "../../../proto/contract.ts";
import { madeOnce } from "../../pod/made-once.ts";

/**
 * Makes and encodes the message of an object, which is never changed in place, once: a list that is asked for again and again is then put together of
 * bytes. `name` is that of the message in the contract.
 */
export function encodedOnce<O extends object, T>(
  name: string,
  make: (object: O) => Outgoing<T>,
): (object: O) => Outgoing<T> {
  return madeOnce((object) => encoded(name, make(object)));
}
