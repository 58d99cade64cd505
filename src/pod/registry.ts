import { LichenError } from "../errors.ts";

interface Identified {
  id: string;
  state: string;
}

interface Store<R> {
  insert(record: R, name: string): void;
  update(record: R): void;
  delete(id: string): void;
  all(): R[];
}

/**
 * The records of all pods, or of all containers: in memory for reading, in the store before a change is visible. A record object is
 * never changed in place, so what a caller got stays what it was.
 */
export class Registry<R extends Identified> {
  readonly #kind: string;
  readonly #store: Store<R>;
  readonly #transitions: Record<R["state"], readonly R["state"][]>;
  readonly #changed: (before: R, after: R | undefined) => void;
  readonly #records: Map<string, R>;

  /**
   * `transitions` names, for each state, the states that may follow it. `changed` is told of every change once it is in the store
   * (undefined: the record is gone).
   */
  constructor(
    kind: string,
    store: Store<R>,
    transitions: Record<R["state"], readonly R["state"][]>,
    changed: (before: R, after: R | undefined) => void = () => {},
  ) {
    this.#kind = kind;
    this.#store = store;
    this.#transitions = transitions;
    this.#changed = changed;
    this.#records = new Map(store.all().map((record) => [record.id, record]));
  }

  insert(record: R, name: string): void {
    this.#store.insert(record, name);
    this.#records.set(record.id, record);
  }

  /**
   * Changes a record and answers what it is now. INTERNAL for a state that may not follow the present one, NOT_FOUND when the record
   * is gone. `write` replaces the plain store update where more is to be written with it.
   */
  update(id: string, patch: Partial<R>, write?: (record: R) => void): R {
    const before = this.#records.get(id);
    if (before === undefined) throw this.#notFound(id);
    const next = patch.state ?? before.state;
    if (next !== before.state && !this.#transitions[before.state as R["state"]].includes(next)) {
      throw new LichenError({
        code: "INTERNAL",
        operation: `change ${this.#kind}`,
        object: id,
        reason: `${next} may not follow ${before.state}`,
      });
    }
    const record = { ...before, ...patch };
    if (write === undefined) this.#store.update(record);
    else write(record);
    this.#records.set(id, record);
    this.#changed(before, record);
    return record;
  }

  delete(id: string): void {
    const before = this.#records.get(id);
    this.#store.delete(id);
    this.#records.delete(id);
    if (before !== undefined) this.#changed(before, undefined);
  }

  /** Every record, those being made included. */
  all(): R[] {
    return [...this.#records.values()];
  }

  /** Every record that callers may see. */
  visible(): R[] {
    return this.all().filter(({ state }) => state !== "creating");
  }

  /** The record with exactly this id, whatever its state. */
  exact(id: string): R | undefined {
    return this.#records.get(id);
  }

  /** The visible record whose id begins with `prefix`. INVALID_ARGUMENT when there are several. */
  find(prefix: string): R | undefined {
    const exact = this.#records.get(prefix);
    if (exact !== undefined) return exact.state === "creating" ? undefined : exact;
    if (prefix === "") {
      throw new LichenError({
        code: "INVALID_ARGUMENT",
        operation: `find ${this.#kind}`,
        object: "",
        reason: "the id is empty",
      });
    }
    const found = this.visible().filter(({ id }) => id.startsWith(prefix));
    if (found.length <= 1) return found[0];
    throw new LichenError({
      code: "INVALID_ARGUMENT",
      operation: `find ${this.#kind}`,
      object: prefix,
      reason: `${found.length} ids begin with it`,
      hint: "give more of the id",
    });
  }

  /** As find, but NOT_FOUND when there is none. */
  get(prefix: string): R {
    const found = this.find(prefix);
    if (found === undefined) throw this.#notFound(prefix);
    return found;
  }

  #notFound(id: string): LichenError {
    return new LichenError({
      code: "NOT_FOUND",
      operation: `find ${this.#kind}`,
      object: id,
      reason: `no such ${this.#kind}`,
    });
  }
}
